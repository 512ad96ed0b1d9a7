-- Webhooks: who is told how tasks end. Each delivery is a task of the type webhook.deliver.

create table if not exists osp.webhooks (
    id text primary key,
    service text not null default '', -- whose tasks; empty: all
    url text not null,
    secret_name text not null, -- the secret itself is nowhere in the database
    events jsonb not null,
    types jsonb not null default '[]', -- of tasks; none: all
    enabled boolean not null default true,
    reason text not null default '', -- of the last change
    by text not null, -- who made it
    created_at timestamptz not null default now(),
    changed_at timestamptz not null default now(),
    since timestamptz not null default now() -- when it was last enabled
);
alter table osp.webhooks enable row level security;
revoke all on osp.webhooks from public, anon, authenticated;

create index if not exists workflow_executions_of_webhook
    on public.workflow_executions ((input ->> 'webhook'), created_at desc, execution_id desc) where workflow_id = 'webhook.deliver';
create index if not exists workflow_executions_telling_of
    on public.workflow_executions ((input ->> 'task'), created_at desc, execution_id desc) where workflow_id = 'webhook.deliver';

-- osp_webhooks returns webhooks in the order of the bytes of their ids: the one of an {id}, those of a {service}, up to {max}
-- {after} one.
create or replace function public.osp_webhooks(query jsonb) returns jsonb
language sql stable security definer set search_path = '' set statement_timeout = '8s' as $$
    select coalesce(jsonb_agg(to_jsonb(page) order by page.id collate "C"), '[]')
    from (
        select w.* from osp.webhooks w
        where (query ->> 'id' is null or w.id = query ->> 'id')
          and (query ->> 'service' is null or w.service = query ->> 'service')
          and w.id collate "C" > coalesce(query ->> 'after', '')
        order by w.id collate "C" limit (query ->> 'max')::integer
    ) page
$$;

-- osp_webhook_add keeps a new webhook.
create or replace function public.osp_webhook_add(webhook jsonb) returns jsonb
language sql security definer set search_path = '' set statement_timeout = '8s' as $$
    insert into osp.webhooks as w (id, service, url, secret_name, events, types, enabled, reason, by)
    values (webhook ->> 'id', coalesce(webhook ->> 'service', ''), webhook ->> 'url', webhook ->> 'secret_name', webhook -> 'events',
        coalesce(webhook -> 'types', '[]'), (webhook ->> 'enabled')::boolean, coalesce(webhook ->> 'reason', ''), webhook ->> 'by')
    returning to_jsonb(w)
$$;

-- osp_webhook_change changes what is given, if the URL is {while} or that is not given. It returns the webhook, or null.
create or replace function public.osp_webhook_change(change jsonb) returns jsonb
language plpgsql security definer set search_path = '' set statement_timeout = '8s' as $$
begin
    update osp.webhooks w set
        url = coalesce(change ->> 'url', w.url),
        secret_name = coalesce(change ->> 'secret_name', w.secret_name),
        events = coalesce(change -> 'events', w.events),
        types = coalesce(change -> 'types', w.types),
        enabled = coalesce((change ->> 'enabled')::boolean, w.enabled),
        since = case when (change ->> 'enabled')::boolean and not w.enabled then clock_timestamp() else w.since end,
        reason = change ->> 'reason', by = change ->> 'by', changed_at = clock_timestamp()
    where w.id = change ->> 'id' and (change ->> 'while' is null or w.url = change ->> 'while');
    return (select to_jsonb(w) from osp.webhooks w where w.id = change ->> 'id');
end $$;

-- osp_webhook_remove removes a webhook, and tells whether there was one.
create or replace function public.osp_webhook_remove(id text) returns boolean
language sql security definer set search_path = '' set statement_timeout = '8s' as $$
    with gone as (delete from osp.webhooks w where w.id = osp_webhook_remove.id returning 1) select exists (select from gone)
$$;

-- osp_deliveries returns tasks that tell a {webhook}, or of a {task}, newest first, that come after {before_at, before_id}.
create or replace function public.osp_deliveries(query jsonb) returns jsonb
language plpgsql stable security definer
set search_path = '' set statement_timeout = '8s' set plan_cache_mode = 'force_custom_plan' as $$
declare
    want record;
begin
    select * into want from jsonb_to_record(query) as q(webhook text, task text, before_at timestamptz, before_id text, max integer);
    return (
        select coalesce(jsonb_agg(osp.task(p::public.workflow_executions)), '[]')
        from (
            select t.* from public.workflow_executions t
            where t.workflow_id = 'webhook.deliver' and t.execution_id is not null
              and (want.webhook is null or t.input ->> 'webhook' = want.webhook)
              and (want.task is null or t.input ->> 'task' = want.task)
              and (want.before_at is null or (t.created_at, t.execution_id) < (want.before_at, want.before_id))
            order by t.created_at desc, t.execution_id desc
            limit want.max
        ) p
    );
end $$;

-- drop_services deletes services with all their tables, and their webhooks.
create or replace function osp.drop_services(services text[]) returns void
language plpgsql set search_path = '' as $$
declare
    service text;
begin
    foreach service in array services loop
        execute format('drop schema if exists %I cascade', service);
        perform osp.stand_down(service);
    end loop;
    delete from osp.webhooks w where w.service = any(services);
    delete from osp.manifest_audit a where a.schema = any(services);
    delete from osp.manifests m where m.schema = any(services);
    delete from osp.services s where s.schema = any(services);
    delete from osp.reservations r where r.schema = any(services);
end $$;

revoke execute on function public.osp_webhooks(jsonb), public.osp_webhook_add(jsonb), public.osp_webhook_change(jsonb),
    public.osp_webhook_remove(text), public.osp_deliveries(jsonb) from public, anon, authenticated;
grant execute on function public.osp_webhooks(jsonb), public.osp_webhook_add(jsonb), public.osp_webhook_change(jsonb),
    public.osp_webhook_remove(text), public.osp_deliveries(jsonb) to service_role;

notify pgrst, 'reload schema';
select osp.migrated(20261130000005);
