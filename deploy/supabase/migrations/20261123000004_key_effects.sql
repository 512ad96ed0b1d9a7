-- keys.create: foreign keys and join tables from the entities' relationships. No key is created twice: where both sides
-- tell of one relationship (a menu has many items, an item has one menu), they mean the same column.

-- relations lists what the entities ask for: {table, column, target, unique}, or {join, left, right} for a join table.
create or replace function osp.relations(entities jsonb) returns jsonb
language plpgsql immutable set search_path = '' as $$
declare
    relation record;
    entity text;
    field text;
    wanted jsonb := '[]';
    one jsonb;
begin
    for relation in
        select e ->> 'name' as entity, r.key as name, r.value ->> 'target' as target, r.value ->> 'type' as type
        from jsonb_array_elements(coalesce(entities, '[]')) e,
            jsonb_each(coalesce(nullif(e -> 'relationships', 'null'), '{}')) r
    loop
        entity := relation.entity;
        field := format('entities/%s/relationships/%s', entity, relation.name);
        perform osp.check_name(field, relation.name);
        if not entities @> jsonb_build_array(jsonb_build_object('name', relation.target)) then
            perform osp.refuse(field || '/target', format('there is no entity %s: add it, or mend the name',
                to_jsonb(relation.target)));
        end if;
        one := case relation.type
            when 'many_to_one' then jsonb_build_object('table', entity, 'column', relation.name || '_id',
                'target', relation.target, 'unique', false)
            when 'one_to_one' then jsonb_build_object('table', entity, 'column', relation.name || '_id',
                'target', relation.target, 'unique', true)
            when 'one_to_many' then jsonb_build_object('table', relation.target, 'column', entity || '_id',
                'target', entity, 'unique', false)
            when 'many_to_many' then jsonb_build_object('join', entity || '_' || relation.name,
                'left', entity, 'right', relation.target, 'column', case relation.target
                    when entity then relation.name else relation.target end || '_id')
        end;
        if one is null then
            perform osp.refuse(field || '/type', format('%s is none of one_to_one, one_to_many, many_to_one, '
                'many_to_many', to_jsonb(relation.type)));
        end if;
        if one ->> 'column' = 'user_id' or one ->> 'left' = 'user' then
            perform osp.refuse(field, 'it would make the column user_id, which every table has already: rename the '
                'relationship, or the entity user');
        end if;
        if length(one ->> 'join') > 63 then
            perform osp.refuse(field, format('the join table''s name, %s, is longer than 63 letters: shorten a name',
                one ->> 'join'));
        end if;
        if entities @> jsonb_build_array(jsonb_build_object('name', one ->> 'join'))
            or wanted @> jsonb_build_array(jsonb_build_object('join', one ->> 'join')) then
            perform osp.refuse(field, format('its join table would be %s, and that name is taken: rename the relationship',
                one ->> 'join'));
        end if;
        if one ? 'join' and one ->> 'column' = entity || '_id' then
            perform osp.refuse(field, format('its join table would have %s twice: rename the relationship',
                one ->> 'column'));
        end if;
        if exists (select from jsonb_array_elements(wanted) w where w ->> 'table' = one ->> 'table'
            and w ->> 'column' = one ->> 'column' and w ->> 'target' <> one ->> 'target') then
            perform osp.refuse(field, format('another relationship uses the column %s.%s: rename one of them',
                one ->> 'table', one ->> 'column'));
        end if;
        wanted := wanted || one;
    end loop;
    return (
        -- The same column asked for twice is one column, unique if either side says so.
        select coalesce(jsonb_agg(w order by w), '[]') from (
            select distinct case when w ? 'unique' and wanted @> jsonb_build_array(w || '{"unique": true}')
                then w || '{"unique": true}' else w end as w
            from jsonb_array_elements(wanted) w
        ) d
    );
end $$;

create or replace function osp.add_key(schema text, key jsonb) returns void
language plpgsql set search_path = '' as $$
declare
    rel regclass := to_regclass(format('%I.%I', schema, key ->> 'table'));
    target regclass := to_regclass(format('%I.%I', schema, key ->> 'target'));
begin
    if rel is null or target is null then
        perform osp.refuse('entities', format('there is no table %s', case when rel is null then key ->> 'table'
            else key ->> 'target' end));
    end if;
    if exists (select from pg_attribute a
        where a.attrelid = rel and a.attname = key ->> 'column' and a.attnum > 0 and not a.attisdropped) then
        perform osp.refuse(format('entities/%s/attributes/%s', key ->> 'table', key ->> 'column'),
            'a relationship makes this column: remove the attribute, or rename the relationship');
    end if;
    -- Deferrable, so that rows that refer to each other can be inserted in any order.
    execute format('alter table %s add column %I text references %s (id) deferrable', rel, key ->> 'column', target);
    execute format('create %s index on %s (%I)', case when (key ->> 'unique')::boolean then 'unique' else '' end,
        rel, key ->> 'column');
end $$;

create or replace function osp.add_join(schema text, key jsonb) returns void
language plpgsql set search_path = '' as $$
begin
    execute format('create table %I.%I ('
        '%I text not null references %I.%I (id) on delete cascade deferrable, '
        '%I text not null references %I.%I (id) on delete cascade deferrable, '
        'user_id uuid not null, created_at timestamptz not null default now(), primary key (%I, %I))',
        schema, key ->> 'join', (key ->> 'left') || '_id', schema, key ->> 'left', key ->> 'column', schema,
        key ->> 'right', (key ->> 'left') || '_id', key ->> 'column');
    execute format('create index on %I.%I (%I)', schema, key ->> 'join', key ->> 'column');
    perform osp.secure(schema, key ->> 'join');
end $$;

create or replace function osp.keys_create(args jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
    keys jsonb := osp.relations(args -> 'entities');
    key jsonb;
begin
    perform osp.check_reserved(args);
    for key in select k from jsonb_array_elements(keys) k loop
        if key ? 'join' then
            perform osp.add_join(args ->> 'schema', key);
        else
            perform osp.add_key(args ->> 'schema', key);
        end if;
    end loop;
    return jsonb_build_object('created', keys);
end $$;

create or replace function osp.undo_keys_create(args jsonb, result jsonb) returns void
language plpgsql set search_path = '' as $$
declare
    key jsonb;
begin
    for key in select k from jsonb_array_elements(result -> 'created') k loop
        if key ? 'join' then
            execute format('drop table if exists %I.%I cascade', args ->> 'schema', key ->> 'join');
        else
            execute format('alter table if exists %I.%I drop column if exists %I cascade',
                args ->> 'schema', key ->> 'table', key ->> 'column');
        end if;
    end loop;
end $$;

revoke execute on all functions in schema osp from public, anon, authenticated;

notify pgrst, 'reload schema';
select osp.migrated(20261123000004);
