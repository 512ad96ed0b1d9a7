-- Whose a service is: asked before a user's task may name it.

-- osp_service_owner returns the user whose service a schema is, or null.
create or replace function public.osp_service_owner(schema text) returns uuid
language sql stable security definer set search_path = '' set statement_timeout = '8s' as $$
    select s.user_id from osp.services s where s.schema = osp_service_owner.schema
$$;

revoke execute on function public.osp_service_owner(text) from public, anon, authenticated;
grant execute on function public.osp_service_owner(text) to service_role;

notify pgrst, 'reload schema';
select osp.migrated(20261124000003);
