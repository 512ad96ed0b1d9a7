-- The audit of what people did through the API: who, what, to what, why, and what became of it.

create table if not exists osp.actions (
    id text collate "C" primary key, -- sorts by time
    at timestamptz not null,
    action text not null,
    kind text not null, -- of the subject
    subject text not null,
    by text not null,
    user_id uuid,
    reason text not null,
    request_id text not null,
    outcome text not null check (outcome in ('begun', 'done', 'refused', 'failed')),
    details jsonb not null default '{}'
);
create index if not exists actions_of_subject on osp.actions (subject, id desc);
create index if not exists actions_of_action on osp.actions (action, id desc);
create index if not exists actions_of_somebody on osp.actions (by, id desc);
alter table osp.actions enable row level security;
revoke all on osp.actions from public, anon, authenticated, service_role;

-- stay_action holds an entry to what it says: none is taken out, only what had begun gets its end, and a user who is deleted is
-- named no longer.
create or replace function osp.stay_action() returns trigger language plpgsql set search_path = '' as $$
begin
    if tg_op = 'UPDATE' and new.id = old.id and new.at = old.at and (old.outcome = 'begun'
        or to_jsonb(new) - '{by,user_id,reason,details}'::text[] = to_jsonb(old) - '{by,user_id,reason,details}'::text[]
        and new."by" in (old."by", '') and new.reason in (old.reason, '') and new.details in (old.details, '{}')
        and (new.user_id is null or new.user_id = old.user_id))
    then
        return new;
    end if;
    raise exception using errcode = 'OSP02', message = 'an entry of the audit never changes';
end $$;

create or replace trigger osp_stay_action before update or delete on osp.actions
    for each row execute function osp.stay_action();

-- names_deleted tells whether a text names a user who is deleted.
create index if not exists audit_of_users on osp.audit (subject) where kind = 'user';
create or replace function osp.names_deleted(said text) returns boolean
language sql stable set search_path = '' as $$
    select exists (
        select from regexp_matches(said, '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}', 'g') found(uuid)
        join osp.audit d on d.kind = 'user' and d.subject = found.uuid[1])
$$;

-- osp_save_actions takes entries: [{id, at, action, kind, subject, by, user_id, reason, request_id, outcome, details}]. One that
-- is there stays as it is, unless it had only begun. One that was still on its way when its user was deleted names no one, as if
-- it had been there.
create or replace function public.osp_save_actions(actions jsonb) returns void
language plpgsql security definer set search_path = '' set statement_timeout = '30s' as $$
begin
    perform pg_advisory_xact_lock_shared(hashtextextended('osp.actions', 0)); -- see erase
    insert into osp.actions as a (id, at, action, kind, subject, by, user_id, reason, request_id, outcome, details)
    select e.id, e.at, e.action, e.kind, e.subject, case when gone.doer then '' else e.by end,
        case when not gone.doer then nullif(e.user_id, '')::uuid end, case when gone.doer then '' else e.reason end, e.request_id,
        e.outcome, case when gone.doer or gone.named then '{}' else coalesce(e.details, '{}') end
    from jsonb_to_recordset(osp_save_actions.actions) as e(id text, at timestamptz, action text, kind text, subject text, by text,
        user_id text, reason text, request_id text, outcome text, details jsonb),
        lateral (select osp.names_deleted(lower(e.user_id)) as doer, osp.names_deleted(e.details::text) as named) gone
    order by e.id
    on conflict (id) do update set action = excluded.action, kind = excluded.kind, subject = excluded.subject, by = excluded.by,
        user_id = excluded.user_id, reason = excluded.reason, outcome = excluded.outcome, details = excluded.details
    where a.outcome = 'begun' and excluded.outcome <> 'begun';
end $$;

-- osp_actions returns entries, the newest first: {action, subject, by, before, max}, of which only max is required.
create or replace function public.osp_actions(query jsonb) returns jsonb
language plpgsql stable security definer
set search_path = '' set statement_timeout = '10s' set plan_cache_mode = 'force_custom_plan' as $$
declare
    want record;
begin
    select q.*, query ->> 'by' as who into want
    from jsonb_to_record(query) as q(action text, subject text, before text, max integer);
    return (
        select coalesce(jsonb_agg(to_jsonb(p) order by p.id desc), '[]')
        from (
            select a.* from osp.actions a
            where (want.action is null or a.action = want.action)
              and (want.subject is null or a.subject = want.subject)
              and (want.who is null or a.by = want.who)
              and (want.before is null or a.id < want.before collate "C")
            order by a.id desc
            limit want.max
        ) p
    );
end $$;

-- erase deletes tasks, services and an owner's rows in the services of others, and takes the owner's name out of what is kept.
create or replace function osp.erase(tasks text[], services text[], own_tables regclass[], owner uuid) returns void
language plpgsql set search_path = '' as $$
begin
    insert into osp.deleted as d (task, created_at)
    select osp.hash(doomed.task), coalesce(t.created_at, now())
    from unnest(tasks) doomed(task) left join public.workflow_executions t on t.execution_id = doomed.task
    order by doomed.task
    on conflict (task) do update set created_at = greatest(d.created_at, excluded.created_at), at = excluded.at;
    delete from osp.deleted d where d.at < now() - interval '30 days';

    perform osp.drop_tasks(tasks);
    perform osp.drop_services(services);
    if owner is not null then
        perform osp.delete_own(own_tables, owner);
        update osp.manifests m set created_by = null where m.created_by = owner::text;
        update osp.manifest_audit a set by = null where a.by = owner::text;
        -- What is being saved is here then; what is saved later finds that the user is deleted.
        perform pg_advisory_xact_lock(hashtextextended('osp.actions', 0));
        update osp.actions a set
            by = case when a.user_id = owner then '' else a.by end, reason = case when a.user_id = owner then '' else a.reason end,
            user_id = nullif(a.user_id, owner), details = '{}'
        where a.user_id = owner or a.details::text like '%' || owner::text || '%';
    end if;
end $$;

revoke execute on all functions in schema osp from public, anon, authenticated;
revoke execute on function public.osp_save_actions(jsonb), public.osp_actions(jsonb) from public, anon, authenticated;
grant execute on function public.osp_save_actions(jsonb), public.osp_actions(jsonb) to service_role;

notify pgrst, 'reload schema';
select osp.migrated(20261130000001);
