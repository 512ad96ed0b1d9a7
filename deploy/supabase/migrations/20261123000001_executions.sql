-- public.workflow_executions: one row per task, kept compatible with the OSP app's table, which is altered if it exists.
-- Written by osp_save (and, where it is the app's own, by the app); read by their owners (row-level security) and by osp_get
-- and osp_list.

do $$
begin
    if to_regclass('public.workflow_executions') is not null then
        return; -- what the OSP app's users may do with its table stays theirs
    end if;
    create table public.workflow_executions (
        id bigserial primary key,
        workflow_id text not null,
        execution_id text not null unique,
        service_schema text not null default '',
        user_id uuid not null,
        status text not null default 'pending'
            check (status in ('pending', 'running', 'completed', 'failed', 'cancelled')),
        input jsonb default '{}',
        output jsonb,
        workflow_definition jsonb not null default '{}',
        error text,
        started_at timestamptz,
        completed_at timestamptz,
        created_at timestamptz not null default now(),
        updated_at timestamptz not null default now()
    );
    -- Supabase grants what is new in public to everybody.
    revoke all on public.workflow_executions from public, anon, authenticated;
    revoke all on sequence public.workflow_executions_id_seq from public, anon, authenticated;
end $$;

alter table public.workflow_executions
    add column if not exists service_schema text,
    add column if not exists input jsonb,
    add column if not exists output jsonb,
    add column if not exists error text,
    add column if not exists started_at timestamptz,
    add column if not exists completed_at timestamptz,
    add column if not exists created_at timestamptz default now(),
    add column if not exists updated_at timestamptz default now(),
    add column if not exists task_type text,
    add column if not exists state text,
    add column if not exists phase text,
    add column if not exists version bigint not null default 0, -- microseconds since 1970: the newest wins
    add column if not exists steps jsonb not null default '[]',
    add column if not exists current_step text,
    add column if not exists attempt integer,
    add column if not exists not_undone jsonb,
    add column if not exists retry_of text,
    add column if not exists waiting_until timestamptz;

do $$
declare
    fk name;
    ids text := pg_get_serial_sequence('public.workflow_executions', 'id');
begin
    if ids is not null then
        execute format('revoke all on sequence %s from public, anon', ids);
        execute format('grant usage, select on sequence %s to service_role', ids);
    end if;

    -- Lists are in the order of creation, so every row has its place in it.
    update public.workflow_executions set created_at = coalesce(started_at, updated_at, now()) where created_at is null;
    alter table public.workflow_executions alter column created_at set default now(), alter column created_at set not null;

    -- Tasks may belong to the nil UUID, or to a user who has been deleted: no foreign key to auth.users.
    for fk in
        select conname from pg_catalog.pg_constraint
        where conrelid = 'public.workflow_executions'::regclass and contype = 'f'
          and confrelid = pg_catalog.to_regclass('auth.users')
    loop
        execute format('alter table public.workflow_executions drop constraint %I', fk);
    end loop;

    if not exists (
        select from pg_catalog.pg_index i
        join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
        where i.indrelid = 'public.workflow_executions'::regclass and i.indisunique and i.indnkeyatts = 1
          and i.indpred is null and a.attname = 'execution_id'
    ) then
        alter table public.workflow_executions add unique (execution_id);
    end if;

    if exists (select from pg_catalog.pg_publication where pubname = 'supabase_realtime') and not exists (
        select from pg_catalog.pg_publication_tables
        where pubname = 'supabase_realtime' and schemaname = 'public' and tablename = 'workflow_executions'
    ) then
        alter publication supabase_realtime add table public.workflow_executions;
    end if;
end $$;

create index if not exists workflow_executions_newest
    on public.workflow_executions (created_at desc, execution_id desc);
create index if not exists workflow_executions_of_user
    on public.workflow_executions (user_id, created_at desc, execution_id desc);
create index if not exists workflow_executions_of_service
    on public.workflow_executions (service_schema, created_at desc, execution_id desc);
create index if not exists workflow_executions_of_type
    on public.workflow_executions (workflow_id, created_at desc, execution_id desc);
create index if not exists workflow_executions_with_status
    on public.workflow_executions (status, created_at desc, execution_id desc);
-- Of tasks that have ended the state is the status; the app's own rows have no other.
create index if not exists workflow_executions_unfinished
    on public.workflow_executions ((coalesce(state, status)), created_at desc, execution_id desc)
    where status in ('pending', 'running');

alter table public.workflow_executions enable row level security;
drop policy if exists osp_own_rows on public.workflow_executions;
create policy osp_own_rows on public.workflow_executions for select to authenticated
    using ((select auth.uid()) = user_id);
revoke all on public.workflow_executions from public, anon;
revoke truncate, references, trigger on public.workflow_executions from authenticated; -- policies do not hold them
grant select on public.workflow_executions to authenticated;
grant select, insert, update, delete on public.workflow_executions to service_role;

create schema if not exists osp;
revoke all on schema osp from public, anon, authenticated;

-- One row: the number of the newest migration that was applied, which each migration says in its last statement; and what
-- tells this store from others, wherever it is moved.
create table if not exists osp.schema (
    one boolean primary key default true check (one),
    version bigint not null
);
alter table osp.schema add column if not exists store uuid not null default gen_random_uuid();
revoke all on osp.schema from public, anon, authenticated;

create or replace function osp.migrated(version bigint) returns void language sql set search_path = '' as $$
    insert into osp.schema as s (version) values (migrated.version)
    on conflict (one) do update set version = greatest(s.version, excluded.version)
$$;

-- The backstop of osp_save's own guard: whoever writes, an older version never replaces a newer one.
create or replace function osp.keep_newest() returns trigger language plpgsql set search_path = '' as $$
begin
    if new.version < old.version then
        return null;
    end if;
    return new;
end $$;

create or replace trigger osp_keep_newest before update on public.workflow_executions
    for each row execute function osp.keep_newest();

-- What journals are made of again when Redis has lost them: of tasks that have not ended, and of children until the tasks
-- above them have.
create table if not exists osp.journals (
    task text primary key references public.workflow_executions (execution_id) on delete cascade,
    parent text,
    journal text not null -- one event a line
);
create index if not exists journals_of_parent on osp.journals (parent);
revoke all on osp.journals from public, anon, authenticated;

-- settled returns the tasks that have ended and that nobody may want undone: the tasks above them have ended, too.
create or replace function osp.settled(tasks jsonb) returns setof text
language sql stable set search_path = '' as $$
    select r.id from jsonb_to_recordset(tasks) as r(id text, parent text, status text)
    where r.status not in ('pending', 'running') and (
        r.parent is null
        or exists (select from public.workflow_executions p
            where p.execution_id = r.parent and p.status not in ('pending', 'running'))
        and not exists (select from osp.journals j where j.task = r.parent)
        and not exists (select from jsonb_array_elements(tasks) t where t ->> 'id' = r.parent)
    )
$$;

-- family returns the tasks that are settled, and all below them that have ended. One whose last row is still on its way
-- is settled by that.
create or replace function osp.family(tasks jsonb) returns setof text
language sql stable set search_path = '' as $$
    with recursive family (task) as (
        select osp.settled(tasks)
        union
        select j.task from osp.journals j join family f on j.parent = f.task
        join public.workflow_executions t on t.execution_id = j.task and t.status not in ('pending', 'running')
    )
    select task from family
$$;

-- keep_journals keeps the journals of tasks as long as they may be needed. All that it touches is locked first, in order.
create or replace function osp.keep_journals(tasks jsonb) returns void
language plpgsql set search_path = '' as $$
declare
    over text[] := array(select osp.family(tasks));
begin
    perform from osp.journals j
    where j.task in (select t ->> 'id' from jsonb_array_elements(tasks) t) or j.task = any(over)
    order by j.task for update;

    insert into osp.journals as j (task, parent, journal)
    select r.id, r.parent, coalesce(r.journal, '')
    from jsonb_to_recordset(tasks) as r(id text, parent text, journal text, status text)
    where r.id not in (select osp.settled(tasks))
    order by r.id
    on conflict (task) do update set parent = excluded.parent, journal = excluded.journal;

    delete from osp.journals j where j.task = any(over);
end $$;

-- osp_save upserts tasks and returns [{id, version}] with the versions that are stored now. Rows are locked in the order
-- of their ids, so that concurrent batches cannot deadlock.
create or replace function public.osp_save(tasks jsonb) returns jsonb
language plpgsql security definer set search_path = '' set statement_timeout = '30s' as $$
declare
    newest jsonb;
    written text[];
begin
    select jsonb_agg(n.task) into newest
    from (
        select distinct on (b ->> 'id') b as task from jsonb_array_elements(tasks) b
        order by b ->> 'id', (b ->> 'version')::bigint desc
    ) n;

    with upserted as (
        insert into public.workflow_executions as t (
            execution_id, workflow_id, task_type, service_schema, user_id, status, state, phase, input, output, error,
            workflow_definition, steps, current_step, attempt, not_undone, retry_of, waiting_until,
            created_at, started_at, completed_at, updated_at, version
        )
        select r.id, r.type, r.type, coalesce(r.service, ''), r.user_id, r.status, r.state, r.phase,
            coalesce(r.input, 'null'), r.output, r.error, '{}', coalesce(r.steps, '[]'), r.current_step, r.attempt,
            r.not_undone, r.retry_of, r.waiting_until, r.created_at, r.started_at, r.completed_at, now(), r.version
        from jsonb_to_recordset(newest) as r(
            id text, type text, service text, user_id uuid, status text, state text, phase text, input jsonb,
            output jsonb, error text, steps jsonb, current_step text, attempt integer, not_undone jsonb,
            retry_of text, waiting_until timestamptz, created_at timestamptz, started_at timestamptz,
            completed_at timestamptz, version bigint)
        order by r.id
        on conflict (execution_id) do update set
            workflow_id = excluded.workflow_id, task_type = excluded.task_type,
            service_schema = excluded.service_schema, user_id = excluded.user_id, status = excluded.status,
            state = excluded.state, phase = excluded.phase, input = excluded.input, output = excluded.output,
            error = excluded.error, steps = excluded.steps, current_step = excluded.current_step,
            attempt = excluded.attempt, not_undone = excluded.not_undone, retry_of = excluded.retry_of,
            waiting_until = excluded.waiting_until, created_at = excluded.created_at,
            started_at = excluded.started_at, completed_at = excluded.completed_at, updated_at = excluded.updated_at,
            version = excluded.version
        where excluded.version > t.version
        returning t.execution_id
    )
    select array_agg(u.execution_id) into written from upserted u;

    select jsonb_agg(b) into newest from jsonb_array_elements(newest) b where b ->> 'id' = any(written);
    perform osp.save_steps(coalesce(newest, '[]'));
    perform osp.keep_journals(coalesce(newest, '[]'));

    return (
        select coalesce(jsonb_agg(jsonb_build_object('id', t.execution_id, 'version', t.version)), '[]')
        from public.workflow_executions t
        where t.execution_id in (select b ->> 'id' from jsonb_array_elements(tasks) b)
    );
end $$;

-- A row as the API shows it.
create or replace function osp.task(t public.workflow_executions) returns jsonb
language sql stable set search_path = '' as $$
    select jsonb_build_object(
        'id', t.execution_id, 'type', coalesce(t.task_type, t.workflow_id), 'service', coalesce(t.service_schema, ''),
        'user_id', t.user_id, 'status', t.status, 'state', coalesce(t.state, t.status),
        'phase', coalesce(t.phase, 'forward'), 'input', t.input, 'output', t.output, 'error', t.error,
        'steps', t.steps, 'not_undone', t.not_undone, 'retry_of', t.retry_of, 'created_at', t.created_at,
        'started_at', t.started_at, 'completed_at', t.completed_at, 'waiting_until', t.waiting_until,
        'version', t.version)
$$;

-- osp_get returns a task, or null.
create or replace function public.osp_get(id text) returns jsonb
language sql stable security definer set search_path = '' set statement_timeout = '8s' as $$
    select osp.task(t) from public.workflow_executions t where t.execution_id = osp_get.id
$$;

-- status returns which of the five statuses tasks in a state have.
create or replace function osp.status(state text) returns text
language sql immutable set search_path = '' as $$
    select case when state in ('waiting', 'compensating', 'stuck') then 'running' else state end
$$;

-- osp_list returns tasks, newest first, that come after {before_at, before_id}. It is planned anew for each call, so that
-- the filters that are not given are no part of the plan and the others find their index.
create or replace function public.osp_list(query jsonb) returns jsonb
language plpgsql stable security definer
set search_path = '' set statement_timeout = '8s' set plan_cache_mode = 'force_custom_plan' as $$
declare
    want record;
begin
    select * into want from jsonb_to_record(query) as q(
        status text, state text, type text, service text, owner uuid, from_at timestamptz, until_at timestamptz,
        before_at timestamptz, before_id text, max integer);
    return (
        select coalesce(jsonb_agg(osp.task(p::public.workflow_executions)), '[]')
        from (
            select t.* from public.workflow_executions t
            where t.execution_id is not null -- the app's table does not demand one
              and (want.status is null or t.status = want.status)
              and (want.state is null or coalesce(t.state, t.status) = want.state and t.status = osp.status(want.state))
              and (want.type is null or t.workflow_id = want.type)
              and (want.service is null or t.service_schema = want.service)
              and (want.owner is null or t.user_id = want.owner)
              and (want.from_at is null or t.created_at >= want.from_at)
              and (want.until_at is null or t.created_at < want.until_at)
              and (want.before_at is null or (t.created_at, t.execution_id) < (want.before_at, want.before_id))
            order by t.created_at desc, t.execution_id desc
            limit want.max
        ) p
    );
end $$;

-- osp_ping answers where the migrations have been applied, and says which is the newest and which store this is.
create or replace function public.osp_ping() returns jsonb
language sql stable security definer set search_path = '' set statement_timeout = '8s' as $$
    select jsonb_build_object('ok', true, 'schema', s.version, 'store', s.store) from osp.schema s
$$;

revoke execute on function public.osp_save(jsonb), public.osp_get(text), public.osp_list(jsonb), public.osp_ping(),
    osp.task(public.workflow_executions), osp.status(text), osp.keep_newest(), osp.settled(jsonb), osp.family(jsonb),
    osp.keep_journals(jsonb), osp.migrated(bigint)
    from public, anon, authenticated;
grant execute on function public.osp_save(jsonb), public.osp_get(text), public.osp_list(jsonb), public.osp_ping()
    to service_role;

notify pgrst, 'reload schema';
select osp.migrated(20261123000001);
