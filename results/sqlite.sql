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
    task text not null -- as the API shows it, JSON
);
create index if not exists workflow_executions_newest on workflow_executions (created_at desc, execution_id desc);
create index if not exists workflow_executions_of_user
    on workflow_executions (user_id, created_at desc, execution_id desc);

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
