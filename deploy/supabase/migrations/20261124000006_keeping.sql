-- Keeping and deleting: rows of tasks that ended long ago, and all that is kept of a task, a service or a user.

-- Who had what deleted, and why. It outlives what it tells of.
create table if not exists osp.audit (
    id text primary key,
    at timestamptz not null default now(),
    by text not null,
    kind text not null check (kind in ('task', 'service', 'user')),
    subject text not null, -- the only thing that is still told of it
    reason text not null,
    deleted jsonb not null -- how many of what
);

-- Tasks that were deleted on request, so that a write which was still on its way does not bring them back.
create table if not exists osp.deleted (
    task bytea primary key, -- the hash of its id
    created_at timestamptz not null, -- when the task was: a later one may have the same id
    at timestamptz not null default now()
);
revoke all on osp.audit, osp.deleted from public, anon, authenticated;

create index if not exists workflow_executions_ended on public.workflow_executions (completed_at)
    where status in ('completed', 'failed', 'cancelled');

create or replace function osp.hash(task text) returns bytea language sql immutable set search_path = '' as $$
    select sha256(convert_to(task, 'UTF8'))
$$;

-- stay_deleted drops rows of tasks that were deleted. Where an insert waited for the very transaction that deleted the
-- task, it finds out afterwards; then the writer tries again.
create or replace function osp.stay_deleted() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    if not exists (
        select from osp.deleted d where d.task = osp.hash(new.execution_id) and new.created_at <= d.created_at
    ) then
        return new;
    elsif tg_when = 'BEFORE' then
        return null;
    end if;
    raise exception using errcode = 'serialization_failure', message = 'the task was deleted at this moment';
end $$;

create or replace trigger osp_stay_deleted before insert on public.workflow_executions
    for each row execute function osp.stay_deleted();
create or replace trigger osp_was_deleted after insert on public.workflow_executions
    for each row execute function osp.stay_deleted();

-- stay_undone refuses an effect that comes after its task was deleted, with the fence that would have refused it. An hour
-- is more than a call can be on its way, and less than the id stays taken.
create or replace function osp.stay_undone() returns trigger language plpgsql set search_path = '' as $$
begin
    if exists (
        select from osp.deleted d where d.task = osp.hash(new.task) and d.at > now() - interval '1 hour'
    ) then
        raise exception using errcode = 'OSP01', message = 'this task has been deleted';
    end if;
    return new;
end $$;

create or replace trigger osp_stay_undone before insert on osp.fences
    for each row execute function osp.stay_undone();

-- held tells whether a task is a child that the tasks above it may still want undone.
create or replace function osp.held(task text) returns boolean language sql stable set search_path = '' as $$
    with recursive above (task) as (
        select j.parent from osp.journals j where j.task = held.task and j.parent is not null
        union
        select j.parent from osp.journals j join above a on j.task = a.task where j.parent is not null
    )
    select exists (
        select from above a join public.workflow_executions t on t.execution_id = a.task
        where t.status in ('pending', 'running')
    )
$$;

-- drop_tasks deletes tasks whose rows the caller has locked, with all that refers to them. Journals are locked in the order
-- in which osp_save locks them.
create or replace function osp.drop_tasks(tasks text[]) returns void
language plpgsql set search_path = '' as $$
begin
    perform from osp.journals j where j.task = any(tasks) order by j.task for update;
    delete from osp.fences f where f.task = any(tasks);
    delete from public.workflow_executions t where t.execution_id = any(tasks);
end $$;

-- osp_expire deletes up to max tasks that ended before a moment, and returns how many it deleted. What somebody else has
-- locked it leaves alone, so any number of workers may call it. The app's own rows (version 0) are not OSP's to expire.
create or replace function public.osp_expire(before timestamptz, max integer) returns integer
language plpgsql security definer set search_path = '' set statement_timeout = '30s' as $$
declare
    expired text[];
begin
    select array_agg(e.execution_id) into expired
    from (
        select t.execution_id from public.workflow_executions t
        where t.status in ('completed', 'failed', 'cancelled') and t.completed_at < osp_expire.before and t.version > 0
          and not osp.held(t.execution_id)
        order by t.completed_at, t.execution_id
        limit osp_expire.max
        for update skip locked
    ) e;
    perform osp.drop_tasks(expired);
    return coalesce(cardinality(expired), 0);
end $$;

-- osp_settle records how tasks have ended whose last rows were refused for good: [{id, version, state}]. Of the row that is
-- there it changes nothing else. Its version stays below the task's, so that the last row may still be sent again.
create or replace function public.osp_settle(ended jsonb) returns void
language plpgsql security definer set search_path = '' set statement_timeout = '30s' as $$
declare
    ids text[] := array(select e ->> 'id' from jsonb_array_elements(ended) e);
begin
    perform from public.workflow_executions t where t.execution_id = any(ids) order by t.execution_id for no key update;
    update public.workflow_executions t set
        status = e.state, state = e.state, version = e.version - 1, completed_at = coalesce(t.completed_at, now()),
        updated_at = now()
    from jsonb_to_recordset(ended) as e(id text, version bigint, state text)
    where t.execution_id = e.id and t.version < e.version;

    perform osp.keep_journals(coalesce(jsonb_agg(jsonb_build_object(
        'id', j.task, 'parent', j.parent, 'journal', j.journal, 'status', t.status)), '[]'))
    from osp.journals j join public.workflow_executions t on t.execution_id = j.task where j.task = any(ids);
end $$;

-- doomed_services returns the schemas that a deletion is about.
create or replace function osp.doomed_services(kind text, subject text) returns text[]
language sql stable set search_path = '' as $$
    select coalesce(array_agg(r.schema order by r.schema), '{}') from osp.reservations r
    where case kind when 'service' then r.schema = subject when 'user' then r.user_id = subject::uuid end
$$;

-- doomed_tasks returns the tasks that a deletion is about: the subject's, those that made its services, those whose journals
-- are forgotten, and all below. Not all of them have rows.
create or replace function osp.doomed_tasks(kind text, subject text, services text[], forgotten text[]) returns text[]
language sql stable set search_path = '' as $$
    with recursive doomed (task) as (
        select own.task from (
            select unnest(forgotten || case kind when 'task' then subject end)
            union all
            select t.execution_id from public.workflow_executions t
            where t.service_schema = any(services || case kind when 'service' then subject end)
            union all
            select t.execution_id from public.workflow_executions t
            where t.user_id = case kind when 'user' then subject::uuid end
            union all
            select f.task from osp.fences f
            where f.effect = 'service.reserve' and not f.undo and f.result ->> 'schema' = any(services)
        ) own (task) where own.task is not null
        union
        select s ->> 'child'
        from public.workflow_executions t join doomed d on t.execution_id = d.task, jsonb_array_elements(t.steps) s
        where s ? 'child'
    )
    select coalesce(array_agg(task order by task), '{}') from doomed
$$;

-- service_tables returns the tables of services; with the name of a column, those that have it as a uuid.
create or replace function osp.service_tables(services text[], having_column text default null) returns setof regclass
language sql stable set search_path = '' as $$
    select c.oid::regclass from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = any(services) and c.relkind in ('r', 'p') and not c.relispartition
      and (having_column is null or exists (
          select from pg_attribute a where a.attrelid = c.oid and a.attname = having_column
            and a.atttypid = 'uuid'::regtype and not a.attisdropped))
    order by n.nspname, c.relname
$$;

-- rows_of counts the rows of tables; with an owner, only the owner's.
create or replace function osp.rows_of(tables regclass[], owner uuid default null) returns bigint
language plpgsql stable set search_path = '' as $$
declare
    rel regclass;
    n bigint;
    total bigint := 0;
begin
    foreach rel in array tables loop
        execute format('select count(*) from %s %s', rel, case when owner is not null then 'where user_id = $1' end)
            using owner into n;
        total := total + n;
    end loop;
    return total;
end $$;

-- delete_own deletes an owner's rows. They are locked first: then nobody can begin to refer to them. What others' rows say
-- of them becomes null.
create or replace function osp.delete_own(tables regclass[], owner uuid) returns void
language plpgsql set search_path = '' as $$
declare
    rel regclass;
    link record;
begin
    set constraints all deferred;
    foreach rel in array tables loop
        execute format('select from %s where user_id = $1 for update', rel) using owner;
    end loop;
    foreach rel in array tables loop
        for link in
            select k.conrelid::regclass as rel, a.attname as col, t.attname as target
            from pg_constraint k
            join pg_attribute a on a.attrelid = k.conrelid and a.attnum = k.conkey[1]
            join pg_attribute t on t.attrelid = k.confrelid and t.attnum = k.confkey[1]
            where k.contype = 'f' and k.confrelid = rel and cardinality(k.conkey) = 1 and k.confdeltype in ('a', 'r')
        loop
            execute format('update %1$s set %2$I = null where %2$I in (select t.%3$I from %4$s t where t.user_id = $1)',
                link.rel, link.col, link.target, rel) using owner;
        end loop;
    end loop;
    foreach rel in array tables loop
        execute format('delete from %s where user_id = $1', rel) using owner;
    end loop;
    set constraints all immediate;
end $$;

-- drop_services deletes services with all their tables.
create or replace function osp.drop_services(services text[]) returns void
language plpgsql set search_path = '' as $$
declare
    service text;
begin
    foreach service in array services loop
        execute format('drop schema if exists %I cascade', service);
    end loop;
    delete from osp.manifest_audit a where a.schema = any(services);
    delete from osp.manifests m where m.schema = any(services);
    delete from osp.services s where s.schema = any(services);
    delete from osp.reservations r where r.schema = any(services);
end $$;

-- erase deletes tasks, services and an owner's rows in the services of others.
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
    end if;
end $$;

-- osp_delete deletes all that is kept of {kind, subject}, or only tells what there is: with dry_run, while tasks have not
-- ended, and while there are tasks that are not among those whose journals were forgotten. The same id again waits for the
-- first one, and gets the same answer. {tasks, services, unfinished, counts, at, done}.
create or replace function public.osp_delete(deletion jsonb) returns jsonb
language plpgsql security definer set search_path = '' set statement_timeout = '10min' set lock_timeout = '1min' as $$
declare
    want record;
    was osp.audit;
    forgotten text[];
    services text[];
    tasks text[];
    unfinished text[];
    tables regclass[];
    own_tables regclass[] := '{}';
    owner uuid;
    counts jsonb;
    done boolean;
begin
    select * into want from jsonb_to_record(deletion) as d(
        id text, kind text, subject text, reason text, dry_run boolean, forgotten jsonb);
    forgotten := array(select jsonb_array_elements_text(want.forgotten));
    perform pg_advisory_xact_lock(hashtextextended('deletion ' || want.id, 0));
    select * into was from osp.audit a where a.id = want.id;
    if was.id is not null then
        return jsonb_build_object('counts', was.deleted, 'at', was.at, 'done', true);
    end if;

    services := osp.doomed_services(want.kind, want.subject);
    tasks := osp.doomed_tasks(want.kind, want.subject, services, forgotten);
    if not coalesce(want.dry_run, false) then
        -- First of all, and in order: effects of these tasks, which are under way or to come, hold or await the same locks.
        perform from public.workflow_executions t where t.execution_id = any(tasks) order by t.execution_id for update;
    end if;
    select coalesce(array_agg(t.execution_id order by t.execution_id), '{}') into unfinished
    from public.workflow_executions t
    where t.execution_id = any(tasks) and t.version > 0
      and (t.status in ('pending', 'running') or osp.held(t.execution_id));

    tables := array(select osp.service_tables(services));
    if want.kind = 'user' then
        owner := want.subject::uuid;
        own_tables := array(select osp.service_tables(
            array(select r.schema from osp.reservations r where r.schema <> all(services)), 'user_id'));
    end if;
    select jsonb_build_object(
        'tasks', count(*), 'steps', coalesce(sum(jsonb_array_length(t.steps)), 0),
        'fences', (select count(*) from osp.fences f where f.task = any(tasks)),
        'services', cardinality(services), 'rows', osp.rows_of(tables) + osp.rows_of(own_tables, owner)
    ) into counts from public.workflow_executions t where t.execution_id = any(tasks);

    done := not coalesce(want.dry_run, false) and unfinished = '{}'
        and not exists (select unnest(tasks) except select unnest(forgotten));
    if done then
        perform osp.erase(tasks, services, own_tables, owner);
        insert into osp.audit (id, by, kind, subject, reason, deleted)
        values (want.id, deletion ->> 'by', want.kind, want.subject, want.reason, counts);
    end if;
    return jsonb_build_object('tasks', to_jsonb(tasks), 'services', to_jsonb(services), 'unfinished', to_jsonb(unfinished),
        'counts', counts, 'at', now(), 'done', done);
end $$;

revoke execute on all functions in schema osp from public, anon, authenticated;
revoke execute on function public.osp_expire(timestamptz, integer), public.osp_settle(jsonb), public.osp_delete(jsonb)
    from public, anon, authenticated;
grant execute on function public.osp_expire(timestamptz, integer), public.osp_settle(jsonb), public.osp_delete(jsonb)
    to service_role;

notify pgrst, 'reload schema';
select osp.migrated(20261124000006);
