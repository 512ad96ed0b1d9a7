-- A deleted service's workflows start nothing any more: their schedules would go on for ever.

-- stand_down deprecates the active versions of a service that is deleted; drop_services, in the next migration, calls it.
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

revoke execute on all functions in schema osp from public, anon, authenticated;

notify pgrst, 'reload schema';
select osp.migrated(20261130000004);
