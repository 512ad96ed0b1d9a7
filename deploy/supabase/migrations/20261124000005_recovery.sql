-- Reading what journals are made of again: see osp.journals.

-- effects returns what fences tell of a task: [{path, undo, result, at}], oldest first.
create or replace function osp.effects(of_task text) returns jsonb
language sql stable set search_path = '' as $$
    select coalesce(jsonb_agg(jsonb_build_object(
        'path', f.path, 'undo', f.undo, 'result', f.result, 'at', f.created_at
    ) order by f.created_at, f.undo, f.path), '[]')
    from osp.fences f where f.task = of_task
$$;

-- needed tells whether something is still to be made of a journal: its task has not ended, or a task above it may want it
-- undone.
create or replace function osp.needed(j osp.journals) returns boolean
language sql stable set search_path = '' as $$
    select j.journal <> '' and exists (
        select from public.workflow_executions t
        where t.execution_id = j.task
          and (t.status in ('pending', 'running') or exists (select from osp.journals p where p.task = j.parent)))
$$;

-- kept returns what is kept of a task as the restorer reads it: {id, version, journal, effects, parent}, where parent
-- is how the task above it has ended. Null when nothing is needed of it: it has ended, and so have the tasks above it.
create or replace function osp.kept(j osp.journals) returns jsonb
language sql stable set search_path = '' as $$
    select jsonb_build_object(
        'id', j.task, 'version', t.version, 'journal', string_to_array(j.journal, E'\n'),
        'effects', osp.effects(j.task), 'parent', coalesce((
            select p.state from public.workflow_executions p
            where p.execution_id = j.parent and p.status not in ('pending', 'running')
        ), ''))
    from public.workflow_executions t where t.execution_id = j.task and osp.needed(j)
$$;

-- osp_kept returns what is kept of a task, or null.
create or replace function public.osp_kept(id text) returns jsonb
language sql stable security definer set search_path = '' set statement_timeout = '8s' as $$
    select osp.kept(j) from osp.journals j where j.task = osp_kept.id
$$;

-- osp_effects returns what fences tell of a task, whether anything else is kept of it or not.
create or replace function public.osp_effects(task text) returns jsonb
language sql stable security definer set search_path = '' set statement_timeout = '8s' as $$
    select osp.effects(task)
$$;

-- osp_all_kept returns a page of what is kept, in the order of the ids, after one of them. A page has at most max tasks,
-- and fewer when their journals have more than about 4 MB together. It is planned for the page at hand, and what is costly
-- is done for those on the page only.
create or replace function public.osp_all_kept(after text, max integer) returns jsonb
language plpgsql stable security definer
set search_path = '' set statement_timeout = '30s' set plan_cache_mode = 'force_custom_plan' set enable_sort = off as $$
begin
    return (
        with found as materialized (
            select j as journal, octet_length(j.journal) as bytes from osp.journals j
            where j.task > osp_all_kept.after and osp.needed(j)
            order by j.task limit osp_all_kept.max
        ), page as (
            select f.journal, sum(f.bytes) over (order by (f.journal).task) - f.bytes as before from found f
        )
        select coalesce(jsonb_agg(osp.kept(p.journal) order by (p.journal).task), '[]') from page p
        where p.before < 4000000
    );
end $$;

revoke execute on function osp.effects(text), osp.needed(osp.journals), osp.kept(osp.journals), public.osp_kept(text), public.osp_effects(text),
    public.osp_all_kept(text, integer) from public, anon, authenticated;
grant execute on function public.osp_kept(text), public.osp_effects(text), public.osp_all_kept(text, integer)
    to service_role;

notify pgrst, 'reload schema';
select osp.migrated(20261124000005);
