-- public.workflow_execution_steps: one row per begun step of a task, for those who search and count steps or show them.
-- Written by osp_save, in the transaction that writes the tasks; read by the tasks' owners (row-level security).

create table if not exists public.workflow_execution_steps (
    execution_id text not null references public.workflow_executions (execution_id) on delete cascade,
    path text not null,
    user_id uuid not null, -- the task's
    position bigint not null, -- from 1, in the order in which the steps began
    kind text not null,
    state text not null,
    attempts integer not null,
    undo_attempts integer not null,
    output jsonb,
    error text,
    undo_error text,
    child text, -- the child task's execution_id
    started_at timestamptz not null,
    completed_at timestamptz,
    undone_at timestamptz,
    next_attempt_at timestamptz,
    version bigint not null, -- of the task, when the step was last seen to change
    updated_at timestamptz not null default now(),
    primary key (execution_id, path)
);
create index if not exists workflow_execution_steps_of_user
    on public.workflow_execution_steps (user_id, started_at desc);

alter table public.workflow_execution_steps enable row level security;
drop policy if exists osp_own_rows on public.workflow_execution_steps;
create policy osp_own_rows on public.workflow_execution_steps for select to authenticated
    using ((select auth.uid()) = user_id);
revoke all on public.workflow_execution_steps from public, anon, authenticated;
grant select on public.workflow_execution_steps to authenticated;
grant select, insert, update, delete on public.workflow_execution_steps to service_role;

-- The backstop of save_steps' own guard, as for the tasks.
create or replace trigger osp_keep_newest before update on public.workflow_execution_steps
    for each row execute function osp.keep_newest();

-- save_steps writes the steps of tasks whose rows have just been written, and are locked by that. A step that the newer row
-- does not have any more is deleted: Redis has been taken back in time.
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
        started_at, completed_at, undone_at, next_attempt_at, version
    )
    select r.id, s.path, r.user_id, s.position, s.kind, s.state, coalesce(s.attempts, 0), coalesce(s.undo_attempts, 0),
        s.output, s.error, s.undo_error, s.child, s.started_at, s.completed_at, s.undone_at, s.next_attempt_at, r.version
    from jsonb_to_recordset(tasks) as r(id text, user_id uuid, version bigint, steps jsonb),
        rows from (jsonb_to_recordset(coalesce(r.steps, '[]')) as (
            path text, kind text, state text, attempts integer, undo_attempts integer, output jsonb, error text,
            undo_error text, child text, started_at timestamptz, completed_at timestamptz, undone_at timestamptz,
            next_attempt_at timestamptz
        )) with ordinality as s(path, kind, state, attempts, undo_attempts, output, error, undo_error, child, started_at,
            completed_at, undone_at, next_attempt_at, position)
    order by r.id, s.path
    on conflict (execution_id, path) do update set
        user_id = excluded.user_id, position = excluded.position, kind = excluded.kind, state = excluded.state,
        attempts = excluded.attempts, undo_attempts = excluded.undo_attempts, output = excluded.output,
        error = excluded.error, undo_error = excluded.undo_error, child = excluded.child,
        started_at = excluded.started_at, completed_at = excluded.completed_at, undone_at = excluded.undone_at,
        next_attempt_at = excluded.next_attempt_at, version = excluded.version, updated_at = now()
    where excluded.version > t.version
      and (t.user_id, t.position, t.kind, t.state, t.attempts, t.undo_attempts, t.output, t.error, t.undo_error, t.child,
          t.started_at, t.completed_at, t.undone_at, t.next_attempt_at)
      is distinct from (excluded.user_id, excluded.position, excluded.kind, excluded.state, excluded.attempts,
          excluded.undo_attempts, excluded.output, excluded.error, excluded.undo_error, excluded.child,
          excluded.started_at, excluded.completed_at, excluded.undone_at, excluded.next_attempt_at);
$$;

revoke execute on function osp.save_steps(jsonb) from public, anon, authenticated;

notify pgrst, 'reload schema';
select osp.migrated(20261124000001);
