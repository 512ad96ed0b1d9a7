-- Schema osp: the fences, the services and their manifests. It is not exposed; osp_apply is the only door.

create table if not exists osp.fences (
    task text not null,
    path text not null,
    undo boolean not null,
    key text not null, -- the idempotency key of the call that had the effect
    effect text not null,
    result jsonb not null,
    created_at timestamptz not null default now(),
    primary key (task, path, undo)
);

create table if not exists osp.reservations (
    schema text primary key,
    name text not null,
    user_id uuid not null,
    created_at timestamptz not null default now()
);

create table if not exists osp.services (
    id uuid primary key default gen_random_uuid(),
    schema text not null unique references osp.reservations (schema),
    name text not null,
    user_id uuid not null,
    entities jsonb not null default '[]',
    created_at timestamptz not null default now()
);
create index if not exists services_of_user on osp.services (user_id);

create table if not exists osp.manifests (
    schema text not null references osp.services (schema),
    version integer not null,
    status text not null default 'draft' check (status in ('draft', 'active', 'deprecated', 'locked')),
    manifest jsonb not null,
    created_by text,
    created_at timestamptz not null default now(),
    primary key (schema, version)
);
create unique index if not exists manifests_one_active on osp.manifests (schema) where status = 'active';

-- The audit log outlives what it tells of.
create table if not exists osp.manifest_audit (
    id bigint generated always as identity primary key,
    schema text not null,
    version integer not null,
    action text not null check (action in ('create', 'update', 'lock', 'deprecate', 'activate')),
    by text,
    note text,
    at timestamptz not null default now()
);
create index if not exists manifest_audit_of on osp.manifest_audit (schema, version);

revoke all on all tables in schema osp from public, anon, authenticated;
revoke all on all sequences in schema osp from public, anon, authenticated;

-- refuse ends an effect for good; the field is where in the arguments the fault is.
create or replace function osp.refuse(field text, message text) returns void
language plpgsql set search_path = '' as $$
begin
    raise exception using errcode = 'OSP02', message = field || ': ' || message;
end $$;

create or replace function osp.check_name(field text, name text) returns void
language plpgsql set search_path = '' as $$
begin
    if name is null or name !~ '^[a-z][a-z0-9_]{0,47}$' then
        perform osp.refuse(field, format('%s is not a lower-case letter followed by at most 47 of a-z, 0-9 and _',
            coalesce(to_jsonb(name)::text, 'null')));
    end if;
end $$;

-- osp_apply carries out an effect once. The fence is a row for the task, the step and the direction, written in the same
-- transaction: a replay gets the first answer, an undo of what never happened succeeds, and a do after it is refused.
create or replace function public.osp_apply(fence jsonb, effect text, args jsonb) returns jsonb
language plpgsql security definer
set search_path = '' set statement_timeout = '30s' set lock_timeout = '10s' as $$
declare
    of_task text := fence ->> 'task';
    of_path text := fence ->> 'path';
    is_undo boolean := coalesce((fence ->> 'undo')::boolean, false);
    done osp.fences;
    undone osp.fences;
    answer jsonb := '{}';
begin
    if effect = 'entity.query' then
        return osp.entity_query(args);
    end if;
    if coalesce(of_task, '') = '' or coalesce(of_path, '') = '' then
        perform osp.refuse('fence', 'it names no task and step');
    end if;
    -- Before it holds anything else, for a deletion of the task may be under way: that has locked the row first of all.
    perform from public.workflow_executions t where t.execution_id = of_task for key share;
    perform pg_advisory_xact_lock(hashtextextended(of_task || ' ' || of_path, 0));
    select * into done from osp.fences f where f.task = of_task and f.path = of_path and not f.undo;
    select * into undone from osp.fences f where f.task = of_task and f.path = of_path and f.undo;
    if coalesce(done.effect, undone.effect, osp_apply.effect) <> osp_apply.effect then
        perform osp.refuse('effect', format('this step was %s before', coalesce(done.effect, undone.effect)));
    end if;
    if is_undo then
        if undone.task is not null then
            return undone.result;
        end if;
        if done.task is not null then
            perform osp.undo_effect(effect, args, done.result);
        end if;
    else
        if undone.task is not null then
            raise exception using errcode = 'OSP01', message = 'this step has been undone already';
        end if;
        if done.task is not null then
            return done.result;
        end if;
        answer := osp.do_effect(effect, args);
    end if;
    insert into osp.fences (task, path, undo, key, effect, result)
    values (of_task, of_path, is_undo, coalesce(fence ->> 'key', ''), effect, answer);
    return answer;
end $$;

create or replace function osp.do_effect(effect text, args jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
    answer jsonb;
begin
    answer := case effect
        when 'service.reserve' then osp.service_reserve(args)
        when 'service.register' then osp.service_register(args)
        when 'schema.create' then osp.schema_create(args)
        when 'tables.create' then osp.tables_create(args)
        when 'security.enable' then osp.security_enable(args)
        when 'keys.create' then osp.keys_create(args)
        when 'rows.insert' then osp.rows_insert(args)
        when 'manifest.store' then osp.manifest_store(args)
        when 'manifest.activate' then osp.manifest_activate(args)
        when 'entity.insert' then osp.entity_insert(args)
        when 'entity.update' then osp.entity_update(args)
        when 'entity.delete' then osp.entity_delete(args)
    end;
    if answer is null then
        perform osp.refuse('effect', format('%s is unknown', coalesce(to_jsonb(effect)::text, 'null')));
    end if;
    return answer;
end $$;

create or replace function osp.undo_effect(effect text, args jsonb, result jsonb) returns void
language plpgsql set search_path = '' as $$
begin
    case effect
        when 'service.reserve' then perform osp.undo_service_reserve(args, result);
        when 'service.register' then perform osp.undo_service_register(args, result);
        when 'schema.create' then perform osp.undo_schema_create(args, result);
        when 'tables.create' then perform osp.undo_tables_create(args, result);
        when 'security.enable' then perform osp.undo_security_enable(args, result);
        when 'keys.create' then perform osp.undo_keys_create(args, result);
        when 'rows.insert' then perform osp.undo_rows_insert(args, result);
        when 'manifest.store' then perform osp.undo_manifest_store(args, result);
        when 'manifest.activate' then perform osp.undo_manifest_activate(args, result);
        when 'entity.insert' then perform osp.undo_entity_insert(args, result);
        when 'entity.update' then perform osp.undo_entity_update(args, result);
        when 'entity.delete' then perform osp.undo_entity_delete(args, result);
    end case;
end $$;

revoke execute on all functions in schema osp from public, anon, authenticated;
revoke execute on function public.osp_apply(jsonb, text, jsonb) from public, anon, authenticated;
grant execute on function public.osp_apply(jsonb, text, jsonb) to service_role;

notify pgrst, 'reload schema';
select osp.migrated(20261123000002);
