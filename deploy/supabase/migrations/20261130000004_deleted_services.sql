-- A deleted service's workflows start nothing any more: their schedules would go on for ever.

-- stand_down deprecates the active versions of a service that is deleted.
create or replace function osp.stand_down(of_service text) returns void
language plpgsql set search_path = '' as $$
declare
    active osp.workflow_versions;
begin
    perform osp.lock_workflow(of_service, w.workflow) from (
        select distinct v.workflow from osp.workflow_versions v where v.service = of_service order by v.workflow
    ) w;
    for active in select * from osp.workflow_versions v where v.service = of_service and v.state = 'active' loop
        perform osp.set_version_state(active, 'deprecated', 'osp', 'the service was deleted');
    end loop;
end $$;

-- drop_services deletes services with all their tables.
create or replace function osp.drop_services(services text[]) returns void
language plpgsql set search_path = '' as $$
declare
    service text;
begin
    foreach service in array services loop
        execute format('drop schema if exists %I cascade', service);
        perform osp.stand_down(service);
    end loop;
    delete from osp.manifest_audit a where a.schema = any(services);
    delete from osp.manifests m where m.schema = any(services);
    delete from osp.services s where s.schema = any(services);
    delete from osp.reservations r where r.schema = any(services);
end $$;

revoke execute on all functions in schema osp from public, anon, authenticated;

notify pgrst, 'reload schema';
select osp.migrated(20261130000004);
