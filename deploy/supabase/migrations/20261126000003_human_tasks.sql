-- What people are to answer: which steps wait for them, and a list of those for the API.

alter table public.workflow_execution_steps
    add column if not exists human jsonb, -- title, description and roles, of a step that a person is to answer
    add column if not exists due_at timestamptz, -- until when it waits for that
    add column if not exists human_service text; -- the task's service, of such a step

-- Whoever asks, what waits for others is not read: everybody's, a user's, a service's.
create index if not exists workflow_execution_steps_humans
    on public.workflow_execution_steps (started_at, execution_id, path) where human is not null and state = 'waiting';
create index if not exists workflow_execution_steps_humans_of_user
    on public.workflow_execution_steps (user_id, started_at, execution_id, path) where human is not null and state = 'waiting';
create index if not exists workflow_execution_steps_humans_of_service
    on public.workflow_execution_steps (human_service, started_at, execution_id, path)
    where human is not null and state = 'waiting';

-- save_steps, with what people are to answer.
create or replace function osp.save_steps(tasks jsonb) returns void
language sql set search_path = '' as $$
    delete from public.workflow_execution_steps s
    using jsonb_to_recordset(tasks) as r(id text, steps jsonb)
    where s.execution_id = r.id and not exists (
        select from jsonb_to_recordset(tasks) as n(id text, steps jsonb),
            jsonb_to_recordset(coalesce(n.steps, '[]')) as v(path text)
        where n.id = s.execution_id and v.path = s.path
    );

    insert into public.workflow_execution_steps as t (
        execution_id, path, user_id, position, kind, state, attempts, undo_attempts, output, error, undo_error, child,
        started_at, completed_at, undone_at, next_attempt_at, human, due_at, human_service, version
    )
    select r.id, s.path, r.user_id, s.position, s.kind, s.state, coalesce(s.attempts, 0), coalesce(s.undo_attempts, 0),
        s.output, s.error, s.undo_error, s.child, s.started_at, s.completed_at, s.undone_at, s.next_attempt_at, s.human,
        s.due_at, case when s.human is not null then coalesce(r.service, '') end, r.version
    from jsonb_to_recordset(tasks) as r(id text, service text, user_id uuid, version bigint, steps jsonb),
        rows from (jsonb_to_recordset(coalesce(r.steps, '[]')) as (
            path text, kind text, state text, attempts integer, undo_attempts integer, output jsonb, error text,
            undo_error text, child text, started_at timestamptz, completed_at timestamptz, undone_at timestamptz,
            next_attempt_at timestamptz, human jsonb, due_at timestamptz
        )) with ordinality as s(path, kind, state, attempts, undo_attempts, output, error, undo_error, child, started_at,
            completed_at, undone_at, next_attempt_at, human, due_at, position)
    order by r.id, s.path
    on conflict (execution_id, path) do update set
        user_id = excluded.user_id, position = excluded.position, kind = excluded.kind, state = excluded.state,
        attempts = excluded.attempts, undo_attempts = excluded.undo_attempts, output = excluded.output,
        error = excluded.error, undo_error = excluded.undo_error, child = excluded.child,
        started_at = excluded.started_at, completed_at = excluded.completed_at, undone_at = excluded.undone_at,
        next_attempt_at = excluded.next_attempt_at, human = excluded.human, due_at = excluded.due_at,
        human_service = excluded.human_service, version = excluded.version, updated_at = now()
    where excluded.version > t.version
      and (t.user_id, t.position, t.kind, t.state, t.attempts, t.undo_attempts, t.output, t.error, t.undo_error, t.child,
          t.started_at, t.completed_at, t.undone_at, t.next_attempt_at, t.human, t.due_at)
      is distinct from (excluded.user_id, excluded.position, excluded.kind, excluded.state, excluded.attempts,
          excluded.undo_attempts, excluded.output, excluded.error, excluded.undo_error, excluded.child,
          excluded.started_at, excluded.completed_at, excluded.undone_at, excluded.next_attempt_at, excluded.human,
          excluded.due_at);
$$;

-- osp_human_tasks returns what waits for people, in any of the scopes {owner, service, roles} of the query: those first that
-- have waited longest, after {after_at, after_id, after_step}. Each scope is read by an index of its own.
create or replace function public.osp_human_tasks(query jsonb) returns jsonb
language plpgsql stable security definer
set search_path = '' set statement_timeout = '8s' set plan_cache_mode = 'force_custom_plan'
set enable_bitmapscan = off -- which would read all that wait, and sort them
as $$
declare
    want record;
begin
    select * into want from jsonb_to_record(query) as q(
        scopes jsonb, service text, role text, after_at timestamptz, after_id text, after_step text, max integer);
    return (
        with scopes as materialized (
            select c.owner, coalesce(c.service, want.service) as service,
                case when c.roles is not null then array(select jsonb_array_elements_text(c.roles)) end as roles
            from jsonb_to_recordset(want.scopes) as c(owner uuid, service text, roles jsonb)
            where c.service is null or want.service is null or c.service = want.service
        ), found as ( -- offset 0: the steps are read first, in their order, and then their tasks
            select f.* from scopes c, lateral (
                select s.* from public.workflow_execution_steps s
                where s.human is not null and s.state = 'waiting'
                  and s.user_id = c.owner and (c.service is null or s.human_service = c.service)
                  and (want.role is null or s.human -> 'roles' ? want.role)
                  and (c.roles is null or s.human -> 'roles' ?| c.roles)
                  and (want.after_at is null
                      or (s.started_at, s.execution_id, s.path) > (want.after_at, want.after_id, want.after_step))
                  and exists (select from public.workflow_executions t where t.execution_id = s.execution_id
                      and t.status = 'running' and t.phase = 'forward' offset 0)
                order by s.started_at, s.execution_id, s.path limit want.max
            ) f where c.owner is not null
            union
            select f.* from scopes c, lateral (
                select s.* from public.workflow_execution_steps s
                where s.human is not null and s.state = 'waiting'
                  and s.human_service = c.service
                  and (want.role is null or s.human -> 'roles' ? want.role)
                  and (c.roles is null or s.human -> 'roles' ?| c.roles)
                  and (want.after_at is null
                      or (s.started_at, s.execution_id, s.path) > (want.after_at, want.after_id, want.after_step))
                  and exists (select from public.workflow_executions t where t.execution_id = s.execution_id
                      and t.status = 'running' and t.phase = 'forward' offset 0)
                order by s.started_at, s.execution_id, s.path limit want.max
            ) f where c.owner is null and c.service is not null
            union
            select f.* from scopes c, lateral (
                select s.* from public.workflow_execution_steps s
                where s.human is not null and s.state = 'waiting'
                  and (want.role is null or s.human -> 'roles' ? want.role)
                  and (c.roles is null or s.human -> 'roles' ?| c.roles)
                  and (want.after_at is null
                      or (s.started_at, s.execution_id, s.path) > (want.after_at, want.after_id, want.after_step))
                  and exists (select from public.workflow_executions t where t.execution_id = s.execution_id
                      and t.status = 'running' and t.phase = 'forward' offset 0)
                order by s.started_at, s.execution_id, s.path limit want.max
            ) f where c.owner is null and c.service is null
        )
        select coalesce(jsonb_agg(to_jsonb(p) order by p.since, p.task, p.step), '[]')
        from (
            select f.execution_id as task, f.human_service as service, f.user_id as owner, f.path as step, f.human,
                f.started_at as since, f.due_at
            from found f order by f.started_at, f.execution_id, f.path limit want.max
        ) p
    );
end $$;

revoke execute on all functions in schema osp from public, anon, authenticated;
revoke execute on function public.osp_human_tasks(jsonb) from public, anon, authenticated;
grant execute on function public.osp_human_tasks(jsonb) to service_role;

notify pgrst, 'reload schema';
select osp.migrated(20261126000003);
