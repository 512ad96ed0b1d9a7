-- What starts workflows that are data by itself: so that those of a trigger are found without reading any definition.

create table if not exists osp.workflow_triggers (
    service text not null,
    workflow text not null,
    version integer not null,
    trigger text not null, -- schedule, entity_insert, …, signal
    subject text not null, -- the entity, or the signal
    primary key (service, workflow, version),
    foreign key (service, workflow, version) references osp.workflow_versions (service, workflow, version) on delete cascade
);
create index if not exists workflow_triggers_of_subject on osp.workflow_triggers (trigger, subject);
alter table osp.workflow_triggers enable row level security;
revoke all on osp.workflow_triggers from public, anon, authenticated;

-- trigger_of is the trigger of a definition; null: it has none, or is none. A zero byte, which no trigger has, is taken out:
-- PostgreSQL would read nothing of what has one anywhere.
create or replace function osp.trigger_of(definition text) returns jsonb
language plpgsql immutable set search_path = '' as $$
begin
    return regexp_replace(definition, '(?<!\\)((?:\\\\)*)\\u0000', '\1', 'g')::json -> 'trigger';
exception when others then
    return null;
end $$;

create or replace function osp.note_trigger(v osp.workflow_versions) returns void language sql set search_path = '' as $$
    insert into osp.workflow_triggers (service, workflow, version, trigger, subject)
    select v.service, v.workflow, v.version, t ->> 'type',
        coalesce(case t ->> 'type' when 'schedule' then '' when 'signal' then t ->> 'signal_name' else t ->> 'entity' end, '')
    from osp.trigger_of(v.definition) t
    where t ->> 'type' in ('schedule', 'signal', 'entity_insert', 'entity_update', 'entity_delete')
    on conflict do nothing
$$;

create or replace function osp.note_trigger_of_new() returns trigger language plpgsql set search_path = '' as $$
begin
    perform osp.note_trigger(new);
    return null;
end $$;

create or replace trigger osp_note_trigger after insert on osp.workflow_versions
    for each row execute function osp.note_trigger_of_new();

select osp.note_trigger(v) from osp.workflow_versions v;

-- osp_triggered returns active versions that a {trigger} on a {subject} starts, with the service's owner and the moment of the
-- last activation: up to {max}, in the order of the bytes of services and ids, after {after_service, after}, of the {services}
-- if there are any.
create or replace function public.osp_triggered(query jsonb) returns jsonb
language sql stable security definer set search_path = '' set statement_timeout = '30s' as $$
    select coalesce(jsonb_agg(osp.shown_version(v) || jsonb_build_object(
        'owner', coalesce((select s.user_id::text from osp.services s where s.schema = (v).service), ''),
        'activated_at', coalesce((
            select max(a.at) from osp.workflow_audit a
            where a.service = (v).service and a.workflow = (v).workflow and a.version = (v).version and a.action = 'activate'
        ), (v).created_at)) order by (v).service collate "C", (v).workflow collate "C"), '[]')
    from (
        select v from osp.workflow_triggers t
        join osp.workflow_versions v using (service, workflow, version)
        where t.trigger = query ->> 'trigger' and t.subject = query ->> 'subject' and v.state = 'active'
          and (query -> 'services' is null or query -> 'services' ? v.service)
          and (v.service collate "C", v.workflow collate "C") > (query ->> 'after_service', query ->> 'after')
        order by v.service collate "C", v.workflow collate "C" limit (query ->> 'max')::integer
    ) page (v)
$$;

revoke execute on all functions in schema osp from public, anon, authenticated;
revoke execute on function public.osp_triggered(jsonb) from public, anon, authenticated;
grant execute on function public.osp_triggered(jsonb) to service_role;

notify pgrst, 'reload schema';
select osp.migrated(20261129000001);
