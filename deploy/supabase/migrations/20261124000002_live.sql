-- The live view: changes of tasks are broadcast on the private channel of their owner, osp:tasks:<user_id>, as the event
-- `tasks`. Supabase Realtime delivers what realtime.send stores. Where there is no Realtime nothing is sent.

-- broadcast sends the rows that a statement changed, for each owner in messages of up to 50: a call of realtime.send costs as
-- much as writing a row, and projects pay for messages. Of several versions in a batch only the newest is written. It runs as
-- its owner, for the rows of the OSP app are written by its users, who may send nothing.
create or replace function osp.broadcast() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    perform realtime.send(
        jsonb_build_object('tasks', jsonb_agg(part.task order by part.n)), 'tasks', 'osp:tasks:' || part.user_id, true)
    from (
        select c.user_id, row_number() over (partition by c.user_id order by c.execution_id) - 1 as n,
            jsonb_build_object(
                'id', c.execution_id, 'type', coalesce(c.task_type, c.workflow_id), 'service', coalesce(c.service_schema, ''),
                'status', c.status, 'state', coalesce(c.state, c.status), 'phase', coalesce(c.phase, 'forward'),
                'current_step', c.current_step, 'attempt', c.attempt, 'error', left(c.error, 500), 'version', c.version,
                'updated_at', c.updated_at) as task
        from changed c
        where c.user_id <> '00000000-0000-0000-0000-000000000000' and c.execution_id is not null
    ) part
    group by part.user_id, part.n / 50;
    return null;
exception when others then
    raise warning 'osp: changes were not broadcast: %', sqlstate; -- the rows matter more; and no log shall hold them
    return null;
end $$;

revoke execute on function osp.broadcast() from public, anon, authenticated;

do $$
begin
    if to_regprocedure('realtime.send(jsonb, text, text, boolean)') is null or to_regclass('realtime.messages') is null then
        return;
    end if;

    create or replace trigger osp_broadcast_new after insert on public.workflow_executions
        referencing new table as changed for each statement execute function osp.broadcast();
    create or replace trigger osp_broadcast_changed after update on public.workflow_executions
        referencing new table as changed for each statement execute function osp.broadcast();

    -- Realtime asks this policy, once, whether a user may join a private channel.
    drop policy if exists osp_own_channel on realtime.messages;
    create policy osp_own_channel on realtime.messages for select to authenticated
        using (extension = 'broadcast' and topic = (select realtime.topic())
            and topic = 'osp:tasks:' || (select auth.uid()));
end $$;

notify pgrst, 'reload schema';
select osp.migrated(20261124000002);
