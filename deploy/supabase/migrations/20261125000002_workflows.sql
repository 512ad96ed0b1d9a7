-- Workflows that are data: every version that was deployed, which of them is active, and who did what to it.

create table if not exists osp.workflow_versions (
    service text not null default '', -- whose the workflow is; empty: the platform's
    workflow text not null,
    version integer not null,
    hash text not null, -- of the content
    state text not null default 'draft' check (state in ('draft', 'active', 'deprecated', 'locked')),
    definition text not null, -- canonical JSON; as jsonb it would be written in another way, and have another hash
    by text not null,
    created_at timestamptz not null default now(),
    primary key (service, workflow, version),
    unique (service, workflow, hash)
);
create unique index if not exists workflow_versions_active on osp.workflow_versions (service, workflow) where state = 'active';
create index if not exists workflow_versions_of_hash on osp.workflow_versions (hash);

-- Who did what to a version, when and why.
create table if not exists osp.workflow_audit (
    id bigint generated always as identity primary key,
    at timestamptz not null default now(),
    service text not null default '',
    workflow text not null,
    version integer not null,
    action text not null check (action in ('create', 'activate', 'deprecate', 'lock')),
    by text not null,
    reason text not null
);
create index if not exists workflow_audit_of_workflow on osp.workflow_audit (service, workflow, id desc);
alter table osp.workflow_versions enable row level security;
alter table osp.workflow_audit enable row level security;
revoke all on osp.workflow_versions, osp.workflow_audit from public, anon, authenticated;

-- stay_version holds a version to what it was deployed with.
create or replace function osp.stay_version() returns trigger language plpgsql set search_path = '' as $$
begin
    if tg_op = 'DELETE' or to_jsonb(new) - 'state' <> to_jsonb(old) - 'state' then
        raise exception using errcode = 'OSP02', message = 'a version never changes but in its state';
    end if;
    return new;
end $$;

create or replace trigger osp_stay_version before update or delete on osp.workflow_versions
    for each row execute function osp.stay_version();

-- version_may_become tells which state may follow which: saga.VersionState.MayBecome.
create or replace function osp.version_may_become(was text, next text) returns boolean
language sql immutable set search_path = '' as $$
    select (was, next) in (
        ('draft', 'active'), ('draft', 'deprecated'), ('active', 'deprecated'), ('active', 'locked'), ('deprecated', 'active'))
$$;

-- shown_version is a version as it is told, without its content.
create or replace function osp.shown_version(v osp.workflow_versions) returns jsonb
language sql stable set search_path = '' as $$
    select to_jsonb(v) - 'definition'
$$;

-- lock_workflow has changes of one workflow come one after the other.
create or replace function osp.lock_workflow(service text, workflow text) returns void language sql set search_path = '' as $$
    select pg_advisory_xact_lock(hashtextextended('workflow ' || service || ' ' || workflow, 0))
$$;

-- osp_deploy adds a version of a workflow, unless the content has one of that: {service, workflow, hash, definition, by, reason}.
create or replace function public.osp_deploy(deployment jsonb) returns jsonb
language plpgsql security definer set search_path = '' set statement_timeout = '30s' as $$
declare
    of_service text := coalesce(deployment ->> 'service', '');
    of_workflow text := deployment ->> 'workflow';
    made osp.workflow_versions;
begin
    perform osp.lock_workflow(of_service, of_workflow);
    insert into osp.workflow_versions (service, workflow, version, hash, definition, by)
    select of_service, of_workflow, coalesce(max(v.version), 0) + 1, deployment ->> 'hash', deployment ->> 'definition',
        deployment ->> 'by'
    from osp.workflow_versions v where v.service = of_service and v.workflow = of_workflow
    on conflict (service, workflow, hash) do nothing
    returning * into made;
    if made.hash is null then
        select * into made from osp.workflow_versions v
        where v.service = of_service and v.workflow = of_workflow and v.hash = deployment ->> 'hash';
        return osp.shown_version(made) || '{"created": false}';
    end if;
    insert into osp.workflow_audit (service, workflow, version, action, by, reason)
    values (made.service, made.workflow, made.version, 'create', deployment ->> 'by', deployment ->> 'reason');
    return osp.shown_version(made) || '{"created": true}';
end $$;

-- set_version_state brings a version into a state, and takes note of it.
create or replace function osp.set_version_state(v osp.workflow_versions, next text, who text, why text)
returns osp.workflow_versions language plpgsql set search_path = '' as $$
begin
    update osp.workflow_versions w set state = next
    where w.service = v.service and w.workflow = v.workflow and w.version = v.version returning * into v;
    insert into osp.workflow_audit (service, workflow, version, action, by, reason)
    values (v.service, v.workflow, v.version, case next when 'active' then 'activate' when 'deprecated' then 'deprecate' else 'lock' end,
        who, why);
    return v;
end $$;

-- osp_change_version brings a version into another state, if its own allows that; the one that was active makes room:
-- {service, workflow, version, state, by, reason}. Null: there is no such version.
create or replace function public.osp_change_version(change jsonb) returns jsonb
language plpgsql security definer set search_path = '' set statement_timeout = '30s' as $$
declare
    of_service text := coalesce(change ->> 'service', '');
    of_workflow text := change ->> 'workflow';
    next text := change ->> 'state';
    chosen osp.workflow_versions;
    active osp.workflow_versions;
    was text;
begin
    perform osp.lock_workflow(of_service, of_workflow);
    select * into chosen from osp.workflow_versions v
    where v.service = of_service and v.workflow = of_workflow and v.version = (change ->> 'version')::integer;
    if chosen.hash is null then
        return null;
    end if;
    was := chosen.state;
    if osp.version_may_become(was, next) then
        select * into active from osp.workflow_versions v
        where v.service = of_service and v.workflow = of_workflow and v.state = 'active';
        if next = 'active' and active.hash is not null then
            perform osp.set_version_state(active, 'deprecated', change ->> 'by', format('version %s was activated', chosen.version));
        end if;
        chosen := osp.set_version_state(chosen, next, change ->> 'by', change ->> 'reason');
    end if;
    return osp.shown_version(chosen) || jsonb_build_object('was', was);
end $$;

-- osp_workflows returns the current version of up to {max} workflows, the active one or else the newest, in the order of the
-- bytes of services and ids: those after {after_service, after}, of the {services} if there are any.
create or replace function public.osp_workflows(query jsonb) returns jsonb
language sql stable security definer set search_path = '' set statement_timeout = '30s' as $$
    select coalesce(jsonb_agg(osp.shown_version(current)
        order by (current).service collate "C", (current).workflow collate "C"), '[]')
    from (
        select distinct on (v.service collate "C", v.workflow collate "C") v as current from osp.workflow_versions v
        where (query -> 'services' is null or query -> 'services' ? v.service)
          and (v.service collate "C", v.workflow collate "C") > (query ->> 'after_service', query ->> 'after')
        order by v.service collate "C", v.workflow collate "C", (v.state = 'active') desc, v.version desc
        limit (query ->> 'max')::integer
    ) w
$$;

-- osp_workflow returns what tasks of a type, {workflow}, begin with in a {service}, as a list of one or none: the current version
-- of the service's own workflow if a version of that was ever active, else of the platform's, else of the service's own.
create or replace function public.osp_workflow(query jsonb) returns jsonb
language sql stable security definer set search_path = '' set statement_timeout = '30s' as $$
    select coalesce(jsonb_agg(osp.shown_version(current)), '[]')
    from (
        select v as current from osp.workflow_versions v
        where v.service in ('', query ->> 'service') and v.workflow = query ->> 'workflow'
        order by
            case when v.service = '' then 1 when exists (
                select from osp.workflow_audit a
                where a.service = v.service and a.workflow = v.workflow and a.action = 'activate'
            ) then 0 else 2 end,
            (v.state = 'active') desc, v.version desc
        limit 1
    ) w
$$;

-- osp_versions returns up to {max} versions of a {service}'s {workflow}, the newest first, those {before} one of them.
create or replace function public.osp_versions(query jsonb) returns jsonb
language sql stable security definer set search_path = '' set statement_timeout = '30s' as $$
    select coalesce(jsonb_agg(osp.shown_version(v) order by (v).version desc), '[]')
    from (
        select v from osp.workflow_versions v
        where v.service = query ->> 'service' and v.workflow = query ->> 'workflow'
          and ((query ->> 'before')::integer = 0 or v.version < (query ->> 'before')::integer)
        order by v.version desc limit (query ->> 'max')::integer
    ) page (v)
$$;

-- osp_version returns one version with its content, as text: by {service, workflow, version}, or by {hash}. Null: there is none.
create or replace function public.osp_version(query jsonb) returns jsonb
language sql stable security definer set search_path = '' set statement_timeout = '30s' as $$
    select to_jsonb(v) from osp.workflow_versions v
    where v.hash = query ->> 'hash'
       or v.service = query ->> 'service' and v.workflow = query ->> 'workflow' and v.version = (query ->> 'version')::integer
    limit 1
$$;

-- osp_version_notes returns the audit of a {service}'s {workflow}, the newest entries first: up to {max}, {before} one of them.
create or replace function public.osp_version_notes(query jsonb) returns jsonb
language sql stable security definer set search_path = '' set statement_timeout = '30s' as $$
    select coalesce(jsonb_agg(to_jsonb(a) order by (a).id desc), '[]')
    from (
        select a from osp.workflow_audit a
        where a.service = query ->> 'service' and a.workflow = query ->> 'workflow'
          and ((query ->> 'before')::bigint = 0 or a.id < (query ->> 'before')::bigint)
        order by a.id desc limit (query ->> 'max')::integer
    ) page (a)
$$;

revoke execute on all functions in schema osp from public, anon, authenticated;
revoke execute on function public.osp_deploy(jsonb), public.osp_change_version(jsonb), public.osp_workflows(jsonb),
    public.osp_workflow(jsonb), public.osp_versions(jsonb), public.osp_version(jsonb), public.osp_version_notes(jsonb) from public, anon, authenticated;
grant execute on function public.osp_deploy(jsonb), public.osp_change_version(jsonb), public.osp_workflows(jsonb),
    public.osp_workflow(jsonb), public.osp_versions(jsonb), public.osp_version(jsonb), public.osp_version_notes(jsonb) to service_role;

notify pgrst, 'reload schema';
select osp.migrated(20261125000002);
