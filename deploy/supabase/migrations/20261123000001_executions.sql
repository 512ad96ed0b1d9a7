-- public.workflow_executions: one row per task, kept compatible with the OSP app's table, which is altered if it exists.
-- Written by osp_save only; read by their owners (row-level security) and by osp_get and osp_list.

create table if not exists public.workflow_executions (
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
begin
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

alter table public.workflow_executions enable row level security;
drop policy if exists osp_own_rows on public.workflow_executions;
create policy osp_own_rows on public.workflow_executions for select to authenticated
    using ((select auth.uid()) = user_id);
revoke all on public.workflow_executions from anon;
grant select on public.workflow_executions to authenticated;
grant select, insert, update, delete on public.workflow_executions to service_role;

create schema if not exists osp;
revoke all on schema osp from public, anon, authenticated;

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

-- osp_save upserts tasks and returns [{id, version}] with the versions that are stored now. Rows are locked in the order
-- of their ids, so that concurrent batches cannot deadlock.
create or replace function public.osp_save(tasks jsonb) returns jsonb
language plpgsql security definer set search_path = '' set statement_timeout = '30s' as $$
begin
    insert into public.workflow_executions as t (
        execution_id, workflow_id, task_type, service_schema, user_id, status, state, phase, input, output, error,
        workflow_definition, steps, current_step, attempt, not_undone, retry_of, waiting_until,
        created_at, started_at, completed_at, updated_at, version
    )
    select r.id, r.type, r.type, coalesce(r.service, ''), r.user_id, r.status, r.state, r.phase,
        coalesce(r.input, 'null'), r.output, r.error, '{}', coalesce(r.steps, '[]'), r.current_step, r.attempt,
        r.not_undone, r.retry_of, r.waiting_until, r.created_at, r.started_at, r.completed_at, now(), r.version
    from (
        select distinct on (b.id) b.*
        from jsonb_to_recordset(tasks) as b(
            id text, type text, service text, user_id uuid, status text, state text, phase text, input jsonb,
            output jsonb, error text, steps jsonb, current_step text, attempt integer, not_undone jsonb,
            retry_of text, waiting_until timestamptz, created_at timestamptz, started_at timestamptz,
            completed_at timestamptz, version bigint)
        order by b.id, b.version desc
    ) r
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
    where excluded.version > t.version;

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

-- osp_list returns tasks, newest first, that come after {before_at, before_id}.
create or replace function public.osp_list(query jsonb) returns jsonb
language plpgsql stable security definer
set search_path = '' set statement_timeout = '8s' set plan_cache_mode = 'force_custom_plan' as $$
declare
    want record;
begin
    select * into want from jsonb_to_record(query) as q(
        status text, type text, service text, owner uuid, before_at timestamptz, before_id text, max integer);
    return (
        select coalesce(jsonb_agg(osp.task(p::public.workflow_executions)), '[]')
        from (
            select t.* from public.workflow_executions t
            where (want.status is null or t.status = want.status)
              and (want.type is null or t.task_type = want.type)
              and (want.service is null or t.service_schema = want.service)
              and (want.owner is null or t.user_id = want.owner)
              and (want.before_at is null or (t.created_at, t.execution_id) < (want.before_at, want.before_id))
            order by t.created_at desc, t.execution_id desc
            limit want.max
        ) p
    );
end $$;

-- osp_ping answers where the migrations have been applied.
create or replace function public.osp_ping() returns jsonb
language sql stable security definer set search_path = '' set statement_timeout = '8s' as $$
    select '{"ok": true}'::jsonb
$$;

revoke execute on function public.osp_save(jsonb), public.osp_get(text), public.osp_list(jsonb), public.osp_ping(),
    osp.task(public.workflow_executions), osp.keep_newest() from public, anon, authenticated;
grant execute on function public.osp_save(jsonb), public.osp_get(text), public.osp_list(jsonb), public.osp_ping()
    to service_role;

notify pgrst, 'reload schema';
