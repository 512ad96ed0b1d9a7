-- The effects of service.create: reserve, register, create schema, tables, security, keys and sample rows.
-- Each takes {schema, user_id, ...}; what an undo must know beyond that, it takes from the do's result.

create or replace function osp.check_reserved(args jsonb) returns void
language plpgsql set search_path = '' as $$
begin
    perform osp.check_name('schema', args ->> 'schema');
    if not exists (
        select from osp.reservations r
        where r.schema = args ->> 'schema' and r.user_id = (args ->> 'user_id')::uuid
    ) then
        perform osp.refuse('schema', format('%s is not reserved for this user', args ->> 'schema'));
    end if;
end $$;

create or replace function osp.service_reserve(args jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
    wanted text := args ->> 'schema';
begin
    perform osp.check_name('schema', wanted);
    if wanted ~ '^(pg_|supabase_)' or wanted in (
        'osp', 'public', 'auth', 'storage', 'realtime', 'extensions', 'graphql', 'graphql_public', 'vault', 'cron', 'net',
        'pgsodium', 'pgsodium_masks', 'pgbouncer', 'pgtle', 'tiger', 'topology', 'information_schema'
    ) then
        perform osp.refuse('schema', format('%s is a reserved name: choose another', wanted));
    end if;
    if exists (select from pg_namespace where nspname = wanted) then
        perform osp.refuse('schema', format('%s is taken: choose another', wanted));
    end if;
    insert into osp.reservations (schema, name, user_id)
    values (wanted, coalesce(args ->> 'name', wanted), (args ->> 'user_id')::uuid)
    on conflict do nothing;
    if not found then
        perform osp.refuse('schema', format('%s is taken: choose another', wanted));
    end if;
    return jsonb_build_object('schema', wanted);
end $$;

create or replace function osp.undo_service_reserve(args jsonb, result jsonb) returns void
language sql set search_path = '' as $$
    delete from osp.reservations r where r.schema = result ->> 'schema'
$$;

create or replace function osp.service_register(args jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
    service_id uuid;
begin
    perform osp.check_reserved(args);
    insert into osp.services (schema, name, user_id, entities)
    values (args ->> 'schema', coalesce(args ->> 'name', args ->> 'schema'), (args ->> 'user_id')::uuid,
        coalesce(args -> 'entities', '[]'))
    on conflict do nothing
    returning id into service_id;
    if service_id is null then
        perform osp.refuse('schema', format('%s is registered already', args ->> 'schema'));
    end if;
    return jsonb_build_object('service_id', service_id);
end $$;

create or replace function osp.undo_service_register(args jsonb, result jsonb) returns void
language sql set search_path = '' as $$
    delete from osp.services s where s.id = (result ->> 'service_id')::uuid
$$;

create or replace function osp.schema_create(args jsonb) returns jsonb
language plpgsql set search_path = '' as $$
begin
    perform osp.check_reserved(args);
    execute format('create schema %I', args ->> 'schema');
    execute format('grant usage on schema %I to authenticated, service_role', args ->> 'schema');
    return '{}';
end $$;

create or replace function osp.undo_schema_create(args jsonb, result jsonb) returns void
language plpgsql set search_path = '' as $$
begin
    execute format('drop schema if exists %I cascade', args ->> 'schema');
end $$;

-- The types that an attribute may have, as types of PostgreSQL; null for any other.
create or replace function osp.column_type(attribute text) returns text
language sql immutable set search_path = '' as $$
    select case attribute
        when 'string' then 'text' when 'text' then 'text' when 'integer' then 'bigint' when 'number' then 'numeric'
        when 'boolean' then 'boolean' when 'date' then 'date' when 'datetime' then 'timestamptz' when 'json' then 'jsonb'
    end
$$;

create or replace function osp.touch() returns trigger language plpgsql set search_path = '' as $$
begin
    new.updated_at := now();
    return new;
end $$;

create or replace function osp.tables_create(args jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
    entity jsonb;
    attribute record;
    field text;
    columns text;
    created jsonb := '[]';
begin
    perform osp.check_reserved(args);
    for entity in select e from jsonb_array_elements(coalesce(args -> 'entities', '[]')) e loop
        perform osp.check_name('entities/name', entity ->> 'name');
        if to_regclass(format('%I.%I', args ->> 'schema', entity ->> 'name')) is not null then
            perform osp.refuse(format('entities/%s/name', entity ->> 'name'),
                'there is a table of this name already: give each entity its own');
        end if;
        columns := '';
        for attribute in select a.key, a.value #>> '{}' as type
            from jsonb_each(coalesce(nullif(entity -> 'attributes', 'null'), '{}')) a
        loop
            field := format('entities/%s/attributes/%s', entity ->> 'name', attribute.key);
            perform osp.check_name(field, attribute.key);
            if attribute.key in ('id', 'user_id', 'created_at', 'updated_at') then
                perform osp.refuse(field, 'every entity has this column already: remove it, or choose another name');
            end if;
            if osp.column_type(attribute.type) is null then
                perform osp.refuse(field, format('the type %s is none of string, text, integer, number, boolean, '
                    'date, datetime, json', to_jsonb(attribute.type)));
            end if;
            columns := columns || format(', %I %s', attribute.key, osp.column_type(attribute.type));
        end loop;
        execute format('create table %I.%I (id text primary key default gen_random_uuid()::text, '
            'user_id uuid not null, created_at timestamptz not null default now(), '
            'updated_at timestamptz not null default now()%s)', args ->> 'schema', entity ->> 'name', columns);
        execute format('create index on %I.%I (user_id, created_at)', args ->> 'schema', entity ->> 'name');
        execute format('create trigger touch before update on %I.%I for each row execute function osp.touch()',
            args ->> 'schema', entity ->> 'name');
        created := created || to_jsonb(entity ->> 'name');
    end loop;
    return jsonb_build_object('tables', created);
end $$;

create or replace function osp.undo_tables_create(args jsonb, result jsonb) returns void
language plpgsql set search_path = '' as $$
declare
    name text;
begin
    for name in select jsonb_array_elements_text(result -> 'tables') loop
        execute format('drop table if exists %I.%I cascade', args ->> 'schema', name);
    end loop;
end $$;

-- secure makes a table's rows those of their owners.
create or replace function osp.secure(schema text, name text) returns void
language plpgsql set search_path = '' as $$
begin
    execute format('alter table %I.%I enable row level security', schema, name);
    execute format('create policy owner on %I.%I for all to authenticated using ((select auth.uid()) = user_id) '
        'with check ((select auth.uid()) = user_id)', schema, name);
    execute format('revoke all on %I.%I from public, anon', schema, name);
    execute format('grant select, insert, update, delete on %I.%I to authenticated, service_role', schema, name);
end $$;

create or replace function osp.security_enable(args jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
    name text;
begin
    perform osp.check_reserved(args);
    for name in select e ->> 'name' from jsonb_array_elements(coalesce(args -> 'entities', '[]')) e loop
        if to_regclass(format('%I.%I', args ->> 'schema', name)) is null then
            perform osp.refuse('entities', format('there is no table %s', name));
        end if;
        perform osp.secure(args ->> 'schema', name);
    end loop;
    return '{}';
end $$;

-- The order of the lines matters: nobody may see a table that has no policies any more.
create or replace function osp.undo_security_enable(args jsonb, result jsonb) returns void
language plpgsql set search_path = '' as $$
declare
    name text;
begin
    for name in select e ->> 'name' from jsonb_array_elements(coalesce(args -> 'entities', '[]')) e loop
        if to_regclass(format('%I.%I', args ->> 'schema', name)) is not null then
            execute format('revoke all on %I.%I from authenticated, service_role', args ->> 'schema', name);
            execute format('drop policy if exists owner on %I.%I', args ->> 'schema', name);
            execute format('alter table %I.%I disable row level security', args ->> 'schema', name);
        end if;
    end loop;
end $$;

revoke execute on all functions in schema osp from public, anon, authenticated;

notify pgrst, 'reload schema';
select osp.migrated(20261123000003);
