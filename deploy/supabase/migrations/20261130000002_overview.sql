-- Lists by what is searched for, and how many tasks there are in each state.

create index if not exists workflow_executions_by_id
    on public.workflow_executions (execution_id text_pattern_ops);
create index if not exists workflow_executions_with_error
    on public.workflow_executions (created_at desc, execution_id desc) where error is not null;

-- conditions says in SQL what a {query} asks of a task t, but for what it searches. A filter that is not given is no part of
-- it, so that the others find their index.
create or replace function osp.conditions(query jsonb) returns text language sql stable set search_path = '' as $$
    select concat_ws(' and ', 't.execution_id is not null', -- the app's table does not demand one
        case when query ? 'status' then format('t.status = %L', query ->> 'status') end,
        case when query ? 'state' then format('coalesce(t.state, t.status) = %L and t.status = %L',
            query ->> 'state', osp.status(query ->> 'state')) end,
        case when query ? 'type' then format('t.workflow_id = %L', query ->> 'type') end,
        case when query ? 'service' then format('t.service_schema = %L', query ->> 'service') end,
        case when query ? 'owner' then format('t.user_id = %L', (query ->> 'owner')::uuid) end,
        case when query ? 'from_at' then format('t.created_at >= %L', (query ->> 'from_at')::timestamptz) end,
        case when query ? 'until_at' then format('t.created_at < %L', (query ->> 'until_at')::timestamptz) end,
        case when query ? 'before_at' then format('(t.created_at, t.execution_id) < (%L, %L)',
            (query ->> 'before_at')::timestamptz, query ->> 'before_id') end)
$$;

-- osp_list returns tasks, newest first, that come after {before_at, before_id}. What is searched for is the beginning of an
-- id, or stands in the type or in the error; errors are read of the newest 100000 tasks that have one.
create or replace function public.osp_list(query jsonb) returns jsonb
language plpgsql stable security definer set search_path = '' set statement_timeout = '8s' as $$
declare
    conditions text := osp.conditions(query);
    "limit" text := format('order by t.created_at desc, t.execution_id desc limit %s', coalesce((query ->> 'max')::integer::text, 'all'));
    search text := query ->> 'search';
    pages text[]; -- of ids, by each way to find some
    answer jsonb;
begin
    if search is null then
        execute format('select coalesce(jsonb_agg(osp.task(p::public.workflow_executions)), ''[]'')
            from (select t.* from public.workflow_executions t where %s %s) p', conditions, "limit") into answer;
        return answer;
    end if;
    if search ~ '^[A-Za-z0-9._:-]+$' then -- else no id begins with it
        pages := array_append(pages, format('t.execution_id ~>=~ %L and t.execution_id ~<~ %L', search, search || chr(127)));
    end if;
    pages := pages || array(
        select format('t.workflow_id = %L', type) from osp.types() type where strpos(lower(type), lower(search)) > 0);
    select array_agg(format('(select t.created_at, t.execution_id from public.workflow_executions t where %s and %s %s)',
        page, conditions, "limit")) into pages from unnest(pages) page;
    pages := array_append(pages, format('(select t.created_at, t.execution_id from (
            select t.created_at, t.execution_id, t.error from public.workflow_executions t where t.error is not null and %s
            order by t.created_at desc, t.execution_id desc limit 100000
        ) t where strpos(lower(t.error), lower(%L)) > 0 %s)', conditions, search, "limit"));
    execute format('select coalesce(jsonb_agg(osp.task(p::public.workflow_executions)), ''[]'') from (
            select t.* from (select * from (%s) t %s) found join public.workflow_executions t using (execution_id)
            order by t.created_at desc, t.execution_id desc
        ) p', array_to_string(pages, ' union '), "limit") into answer;
    return answer;
end $$;

-- types returns the types that there are tasks of, with one look into the index for each: up to 1000.
create or replace function osp.types() returns setof text language sql stable set search_path = '' as $$
    with recursive types (type, n) as (
        (select t.workflow_id, 1 from public.workflow_executions t order by t.workflow_id limit 1)
        union all
        select (select t.workflow_id from public.workflow_executions t where t.workflow_id > y.type
            order by t.workflow_id limit 1), y.n + 1
        from types y where y.type is not null and y.n < 1000
    )
    select y.type from types y where y.type is not null
$$;

-- osp_counts returns how many tasks there are in each state: {states: {…}, capped}. A state is counted up to {max}. Tasks of a
-- user, of a service or of a type that have ended, and those searched for, are counted among the newest {max} * 5 only.
create or replace function public.osp_counts(query jsonb) returns jsonb
language plpgsql stable security definer set search_path = '' set statement_timeout = '8s' as $$
declare
    conditions text := osp.conditions(query);
    "primary" text := osp.conditions(query - 'status' - 'state' - case when query ? 'owner' then array['service', 'type']
        when query ? 'service' then array['type'] else '{}' end); -- what an index is read by
    most bigint := (query ->> 'max')::integer;
    ended text[] := '{completed, failed, cancelled}';
    counted jsonb := '{}';
    answer jsonb;
    one text;
    n bigint;
    capped boolean := false;
begin
    if query ? 'search' then
        conditions := conditions || format(' and (starts_with(t.execution_id, %1$L)
            or strpos(lower(t.workflow_id), lower(%1$L)) > 0 or strpos(lower(t.error), lower(%1$L)) > 0)', query ->> 'search');
    end if;
    if query ?| array['owner', 'service', 'type', 'search'] then
        execute format('select jsonb_build_object(%s), count(*) >= %s from (select t.* from public.workflow_executions t
                where %s order by t.created_at desc, t.execution_id desc limit %s) t',
            (select string_agg(format('%1$L, count(*) filter (where t.status = %1$L and %2$s)', e, conditions), ', ')
                from unnest(ended) e), most * 5, "primary", most * 5) into counted, capped;
    end if;
    -- What has not ended is in Redis as well: there is never so much of it that it may not be looked at.
    foreach one in array array['pending', 'running', 'waiting', 'compensating', 'stuck'] || ended loop
        n := coalesce((counted ->> one)::bigint, 0);
        if not counted ? one and coalesce(query ->> 'state', one) = one
            and coalesce(query ->> 'status', osp.status(one)) = osp.status(one) then
            execute format('select count(*) from (select from public.workflow_executions t where t.status = %L %s and %s
                order by t.created_at desc, t.execution_id desc limit %s) t',
                osp.status(one), case when one <> all(ended) then format('and coalesce(t.state, t.status) = %L', one) end,
                conditions, most + 1) into n;
        end if;
        answer := coalesce(answer, '{}') || jsonb_build_object(one, least(n, most));
        capped := capped or n > most;
    end loop;
    return jsonb_build_object('states', answer, 'capped', capped);
end $$;

revoke execute on all functions in schema osp from public, anon, authenticated;
revoke execute on function public.osp_list(jsonb), public.osp_counts(jsonb) from public, anon, authenticated;
grant execute on function public.osp_list(jsonb), public.osp_counts(jsonb) to service_role;

notify pgrst, 'reload schema';
select osp.migrated(20261130000002);
