-- The effects on rows. Tables and columns are looked up in the catalogue before they are named in a statement; values
-- travel as parameters, cast by jsonb_populate_record.

create or replace function osp.check_service(args jsonb) returns void
language plpgsql set search_path = '' as $$
begin
    if not exists (
        select from osp.services s where s.schema = args ->> 'schema' and s.user_id = (args ->> 'user_id')::uuid
    ) then
        perform osp.refuse('schema', format('this user has no service %s', coalesce(args -> 'schema', 'null')));
    end if;
end $$;

-- entity returns the table of an entity of the caller's own service.
create or replace function osp.entity(args jsonb, name text) returns regclass
language plpgsql set search_path = '' as $$
declare
    rel regclass;
begin
    perform osp.check_service(args);
    select c.oid into rel
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
        join pg_attribute a on a.attrelid = c.oid and a.attname = 'id' and not a.attisdropped
    where n.nspname = args ->> 'schema' and c.relname = name and c.relkind = 'r';
    if rel is null then
        perform osp.refuse('entity', format('the service has no entity %s', coalesce(to_jsonb(name), 'null')));
    end if;
    return rel;
end $$;

-- undo_table returns the table that a do has touched, or null if it is gone since; the do's fence shows the right to it.
create or replace function osp.undo_table(args jsonb, name text) returns regclass
language sql set search_path = '' as $$
    select to_regclass(format('%I.%I', args ->> 'schema', name))
$$;

create or replace function osp.check_columns(rel regclass, field text, data jsonb) returns void
language plpgsql set search_path = '' as $$
declare
    name text;
begin
    if coalesce(jsonb_typeof(data), 'null') <> 'object' then
        perform osp.refuse(field, 'it is not an object');
    end if;
    select k into name from jsonb_object_keys(data) k
    where not exists (
        select from pg_attribute a
        where a.attrelid = rel and a.attname = k and a.attnum > 0 and not a.attisdropped)
    order by k limit 1;
    if name is not null then
        perform osp.refuse(field || '/' || name, 'the entity has no such column');
    end if;
end $$;

create or replace function osp.column_list(data jsonb) returns text
language sql immutable set search_path = '' as $$
    select string_agg(format('%I', k), ', ' order by k) from jsonb_object_keys(data) k
$$;

-- insert_row inserts data as it is, whoever owns it.
create or replace function osp.insert_row(rel regclass, data jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
    inserted jsonb;
begin
    execute format('insert into %1$s as t (%2$s) select %2$s from jsonb_populate_record(null::%1$s, $1) returning to_jsonb(t)',
        rel, osp.column_list(data)) using data into inserted;
    return inserted;
end $$;

create or replace function osp.insert_own(rel regclass, field text, data jsonb, user_id text) returns jsonb
language plpgsql set search_path = '' as $$
begin
    perform osp.check_columns(rel, field, data);
    if data ->> 'user_id' <> insert_own.user_id then
        perform osp.refuse(field || '/user_id', 'it is the owner, who cannot be somebody else');
    end if;
    return osp.insert_row(rel, data || jsonb_build_object('user_id', insert_own.user_id));
end $$;

create or replace function osp.entity_insert(args jsonb) returns jsonb
language plpgsql set search_path = '' as $$
begin
    return jsonb_build_object('row', osp.insert_own(osp.entity(args, args ->> 'entity'), 'data', args -> 'data',
        args ->> 'user_id'));
end $$;

create or replace function osp.delete_row(rel regclass, id text, user_id text) returns jsonb
language plpgsql set search_path = '' as $$
declare
    deleted jsonb;
begin
    execute format('delete from %s t where t.id = $1 and t.user_id = $2::uuid returning to_jsonb(t)', rel)
        using id, user_id into deleted;
    return deleted;
end $$;

create or replace function osp.undo_entity_insert(args jsonb, result jsonb) returns void
language plpgsql set search_path = '' as $$
declare
    rel regclass := osp.undo_table(args, args ->> 'entity');
begin
    if rel is not null then
        perform osp.delete_row(rel, result #>> '{row,id}', args ->> 'user_id');
    end if;
end $$;

-- own_row locks and returns a row of the caller's, or refuses.
create or replace function osp.own_row(rel regclass, args jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
    found_row jsonb;
begin
    execute format('select to_jsonb(t) from %s t where t.id = $1 and t.user_id = $2::uuid for update', rel)
        using args ->> 'id', args ->> 'user_id' into found_row;
    if found_row is null then
        perform osp.refuse('id', format('this user has no %s %s', args ->> 'entity', coalesce(args -> 'id', 'null')));
    end if;
    return found_row;
end $$;

-- set_columns writes the columns that are keys of changed, with the values of data.
create or replace function osp.set_columns(rel regclass, args jsonb, changed jsonb, data jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
    updated jsonb;
begin
    execute format('update %1$s t set (%2$s) = (select %2$s from jsonb_populate_record(null::%1$s, $1)) '
        'where t.id = $2 and t.user_id = $3::uuid returning to_jsonb(t)', rel, osp.column_list(changed))
        using data, args ->> 'id', (args ->> 'user_id')::uuid into updated;
    return updated;
end $$;

create or replace function osp.entity_update(args jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
    rel regclass := osp.entity(args, args ->> 'entity');
    data jsonb := args -> 'data';
    before jsonb;
    name text;
begin
    perform osp.check_columns(rel, 'data', data);
    foreach name in array array['id', 'user_id'] loop
        if data ? name then
            perform osp.refuse('data/' || name, 'it cannot be changed');
        end if;
    end loop;
    if data = '{}' then
        perform osp.refuse('data', 'it changes nothing');
    end if;
    before := osp.own_row(rel, args);
    return jsonb_build_object('before', before, 'after', osp.set_columns(rel, args, data, data));
end $$;

create or replace function osp.undo_entity_update(args jsonb, result jsonb) returns void
language plpgsql set search_path = '' as $$
declare
    rel regclass := osp.undo_table(args, args ->> 'entity');
begin
    if rel is not null then
        perform osp.set_columns(rel, args, args -> 'data', result -> 'before');
    end if;
end $$;

create or replace function osp.entity_delete(args jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
    rel regclass := osp.entity(args, args ->> 'entity');
    before jsonb := osp.own_row(rel, args);
begin
    perform osp.delete_row(rel, args ->> 'id', args ->> 'user_id');
    return jsonb_build_object('before', before);
end $$;

create or replace function osp.undo_entity_delete(args jsonb, result jsonb) returns void
language plpgsql set search_path = '' as $$
begin
    perform osp.insert_row(osp.entity(args, args ->> 'entity'), result -> 'before');
end $$;

create or replace function osp.entity_query(args jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
    rel regclass := osp.entity(args, args ->> 'entity');
    filters jsonb := coalesce(nullif(args -> 'filters', 'null'), '{}');
    conditions text;
    rows jsonb;
begin
    perform osp.check_columns(rel, 'filters', filters);
    select coalesce(string_agg(format('and t.%1$I is not distinct from f.%1$I', k), ' '), '') into conditions
    from jsonb_object_keys(filters) k;
    execute format('select coalesce(jsonb_agg(to_jsonb(q)), ''[]'') from ('
        'select t.* from %1$s t, jsonb_populate_record(null::%1$s, $1) f where t.user_id = $2::uuid %2$s '
        'order by t.created_at desc, t.id desc limit $3) q', rel, conditions)
        using filters, (args ->> 'user_id')::uuid, least(greatest(coalesce((args ->> 'limit')::integer, 100), 1), 1000)
        into rows;
    return jsonb_build_object('rows', rows);
end $$;

create or replace function osp.rows_insert(args jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
    name text;
    rel regclass;
    data jsonb;
    position bigint;
    ids jsonb;
    inserted jsonb := '{}';
begin
    set constraints all deferred; -- rows may refer to rows that come later
    for name in select jsonb_object_keys(coalesce(nullif(args -> 'rows', 'null'), '{}')) loop
        rel := osp.entity(args, name);
        ids := '[]';
        for data, position in select * from jsonb_array_elements(args -> 'rows' -> name) with ordinality loop
            ids := ids || jsonb_build_array(
                osp.insert_own(rel, format('rows/%s/%s', name, position - 1), data, args ->> 'user_id') -> 'id');
        end loop;
        inserted := inserted || jsonb_build_object(name, ids);
    end loop;
    set constraints all immediate;
    return jsonb_build_object('inserted', inserted);
end $$;

create or replace function osp.undo_rows_insert(args jsonb, result jsonb) returns void
language plpgsql set search_path = '' as $$
declare
    name text;
    rel regclass;
begin
    set constraints all deferred;
    for name in select jsonb_object_keys(result -> 'inserted') loop
        rel := osp.undo_table(args, name);
        if rel is not null then
            perform osp.delete_row(rel, id, args ->> 'user_id')
            from jsonb_array_elements_text(result -> 'inserted' -> name) id;
        end if;
    end loop;
    set constraints all immediate;
end $$;

revoke execute on all functions in schema osp from public, anon, authenticated;

notify pgrst, 'reload schema';
select osp.migrated(20261123000005);
