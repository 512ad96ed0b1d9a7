-- What OSP keeps in SQLite. A service's table is called <schema>.<entity>, in one name.

create table if not exists workflow_executions (
    execution_id text primary key not null,
    task_type text not null,
    service_schema text not null,
    user_id text not null,
    status text not null,
    state text not null,
    version integer not null,
    created_at integer not null, -- microseconds since 1970
    task text not null -- as the API shows it, JSON; its steps are in it, and have no table of their own
);
create index if not exists workflow_executions_newest on workflow_executions (created_at desc, execution_id desc);
create index if not exists workflow_executions_of_user
    on workflow_executions (user_id, created_at desc, execution_id desc);
create index if not exists workflow_executions_in_state on workflow_executions (state, created_at desc, execution_id desc);

-- What journals are made of again when Redis has lost them: of tasks that have not ended, and of children until the tasks
-- above them have.
create table if not exists "osp.journals" (
    task text primary key not null references workflow_executions (execution_id) on delete cascade,
    parent text,
    journal text not null -- one event a line
);
create index if not exists "osp.journals_of_parent" on "osp.journals" (parent);

-- What tells this store from others, wherever the file is moved.
create table if not exists "osp.store" (
    one integer primary key default 1 check (one = 1),
    id text not null default (lower(hex(randomblob(16))))
);
insert or ignore into "osp.store" (one) values (1);

create table if not exists "osp.fences" (
    task text not null,
    path text not null,
    undo integer not null,
    key text not null,
    effect text not null,
    result text not null,
    created_at text not null default current_timestamp,
    primary key (task, path, undo)
);

create table if not exists "osp.reservations" (
    schema text primary key not null,
    name text not null,
    user_id text not null
);

create table if not exists "osp.schemas" (schema text primary key not null);

create table if not exists "osp.services" (
    id text primary key not null default (lower(hex(randomblob(16)))),
    schema text not null unique references "osp.reservations" (schema),
    name text not null,
    user_id text not null,
    entities text not null,
    created_at text not null default current_timestamp
);

create table if not exists "osp.manifests" (
    schema text not null references "osp.services" (schema),
    version integer not null,
    status text not null default 'draft' check (status in ('draft', 'active', 'deprecated', 'locked')),
    manifest text not null,
    created_by text,
    created_at text not null default current_timestamp,
    primary key (schema, version)
);

create table if not exists "osp.manifest_audit" (
    id integer primary key,
    schema text not null,
    version integer not null,
    action text not null,
    by text,
    note text,
    at text not null default current_timestamp
);

-- Who had what deleted, and why. It outlives what it tells of.
create table if not exists "osp.audit" (
    id text primary key not null,
    at integer not null, -- microseconds since 1970
    by text not null,
    kind text not null,
    subject text not null,
    reason text not null,
    deleted text not null
);

-- Tasks that were deleted on request, so that a write which was still on its way does not bring them back.
create table if not exists "osp.deleted" (
    task blob primary key not null, -- the hash of its id
    created_at integer not null, -- when the task was: a later one may have the same id
    at integer not null
);

-- Workflows that are data: a row for each version. The content never changes.
create table if not exists "osp.workflow_versions" (
    service text not null, -- empty: the platform's
    workflow text not null,
    version integer not null,
    hash text not null,
    state text not null default 'draft' check (state in ('draft', 'active', 'deprecated', 'locked')),
    definition text not null,
    by text not null,
    created_at integer not null, -- microseconds since 1970
    primary key (service, workflow, version),
    unique (service, workflow, hash)
);
create unique index if not exists "osp.workflow_versions_active"
    on "osp.workflow_versions" (service, workflow) where state = 'active';
create index if not exists "osp.workflow_versions_of_hash" on "osp.workflow_versions" (hash);
create trigger if not exists "osp.workflow_versions_stay"
    before update of service, workflow, version, hash, definition, by, created_at on "osp.workflow_versions"
begin
    select raise(abort, 'a version never changes but in its state');
end;

-- Who did what to a version, when and why.
create table if not exists "osp.workflow_audit" (
    id integer primary key autoincrement,
    at integer not null,
    service text not null,
    workflow text not null,
    version integer not null,
    action text not null check (action in ('create', 'activate', 'deprecate', 'lock')),
    by text not null,
    reason text not null
);
create index if not exists "osp.workflow_audit_of_workflow" on "osp.workflow_audit" (service, workflow, id desc);

-- What starts workflows by itself.
create table if not exists "osp.workflow_triggers" (
    service text not null,
    workflow text not null,
    version integer not null,
    trigger text not null, -- schedule, entity_insert, …, signal
    subject text not null, -- the entity, or the signal
    primary key (service, workflow, version),
    foreign key (service, workflow, version) references "osp.workflow_versions" (service, workflow, version) on delete cascade
);
create index if not exists "osp.workflow_triggers_of_subject" on "osp.workflow_triggers" (trigger, subject);
create view if not exists "osp.definition_triggers" as
    select service, workflow, version, definition ->> '$.trigger.type' as trigger,
        coalesce(case definition ->> '$.trigger.type' when 'schedule' then '' when 'signal' then definition ->> '$.trigger.signal_name'
            else definition ->> '$.trigger.entity' end, '') as subject
    from "osp.workflow_versions" where json_valid(definition)
    and definition ->> '$.trigger.type' in ('schedule', 'signal', 'entity_insert', 'entity_update', 'entity_delete');
create trigger if not exists "osp.note_trigger" after insert on "osp.workflow_versions"
begin
    insert or ignore into "osp.workflow_triggers" select * from "osp.definition_triggers" t
    where t.service = new.service and t.workflow = new.workflow and t.version = new.version;
end;
insert or ignore into "osp.workflow_triggers" select * from "osp.definition_triggers";

-- The audit of what people did through the API.
create table if not exists "osp.actions" (
    id text primary key not null, -- sorts by time
    at integer not null,
    action text not null,
    kind text not null,
    subject text not null,
    by text not null,
    user_id text not null,
    reason text not null,
    request_id text not null,
    outcome text not null check (outcome in ('begun', 'done', 'refused', 'failed')),
    details text not null
);
create index if not exists "osp.actions_of_subject" on "osp.actions" (subject, id desc);
create index if not exists "osp.actions_of_action" on "osp.actions" (action, id desc);
create index if not exists "osp.actions_of_somebody" on "osp.actions" (by, id desc);
create trigger if not exists "osp.keep_action" before delete on "osp.actions"
begin
    select raise(abort, 'an entry of the audit never changes');
end;
create trigger if not exists "osp.stay_action" before update on "osp.actions" when old.outcome <> 'begun' and not (
    new.id = old.id and new.at = old.at and new.action = old.action and new.kind = old.kind and new.subject = old.subject
    and new.request_id = old.request_id and new.outcome = old.outcome and new.by in (old.by, '') and new.reason in (old.reason, '')
    and new.details in (old.details, '{}') and new.user_id in (old.user_id, '')) -- a user who is deleted is named no longer
begin
    select raise(abort, 'an entry of the audit never changes');
end;

-- Webhooks: who is told how tasks end. Each delivery is a task of the type webhook.deliver.
create table if not exists "osp.webhooks" (
    id text primary key not null,
    service text not null, -- whose tasks; empty: all
    url text not null,
    secret_name text not null,
    events text not null, -- JSON, as types are
    types text not null,
    enabled integer not null,
    reason text not null,
    by text not null,
    created_at integer not null, -- microseconds since 1970, as the others are
    changed_at integer not null,
    since integer not null
);
create index if not exists workflow_executions_of_webhook
    on workflow_executions (task ->> '$.input.webhook', created_at desc, execution_id desc) where task_type = 'webhook.deliver';
create index if not exists workflow_executions_telling_of
    on workflow_executions (task ->> '$.input.task', created_at desc, execution_id desc) where task_type = 'webhook.deliver';
