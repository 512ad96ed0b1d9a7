-- The effects on manifests: draft -> active | deprecated; active -> deprecated | locked; deprecated -> active.

create or replace function osp.audit(schema text, version integer, action text, args jsonb, note text) returns void
language sql set search_path = '' as $$
    insert into osp.manifest_audit (schema, version, action, by, note)
    values (audit.schema, audit.version, audit.action, args ->> 'by', audit.note)
$$;

-- lock_service keeps others from the service's manifests until the transaction ends.
create or replace function osp.lock_service(args jsonb) returns text
language plpgsql set search_path = '' as $$
begin
    perform osp.check_service(args);
    perform from osp.services s where s.schema = args ->> 'schema' for update;
    return args ->> 'schema';
end $$;

create or replace function osp.manifest_store(args jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
    of_schema text := osp.lock_service(args);
    next integer;
begin
    if coalesce(jsonb_typeof(args -> 'manifest'), 'null') <> 'object' then
        perform osp.refuse('manifest', 'it is not an object');
    end if;
    select coalesce(max(m.version), 0) + 1 into next from osp.manifests m where m.schema = of_schema;
    insert into osp.manifests (schema, version, manifest, created_by)
    values (of_schema, next, args -> 'manifest', args ->> 'by');
    perform osp.audit(of_schema, next, 'create', args, null);
    return jsonb_build_object('version', next);
end $$;

create or replace function osp.undo_manifest_store(args jsonb, result jsonb) returns void
language plpgsql set search_path = '' as $$
begin
    delete from osp.manifests m where m.schema = args ->> 'schema' and m.version = (result ->> 'version')::integer;
end $$;

-- The result tells what the version was before, and which version was active (or null).
create or replace function osp.manifest_activate(args jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
    of_schema text := osp.lock_service(args);
    chosen osp.manifests;
    earlier integer;
begin
    select * into chosen from osp.manifests m
    where m.schema = of_schema and m.version = coalesce((args ->> 'version')::integer, m.version)
    order by m.version desc limit 1;
    if chosen.version is null then
        perform osp.refuse('version', 'the service has no such manifest');
    end if;
    if chosen.status = 'locked' then
        perform osp.refuse('version', format('manifest %s is locked', chosen.version));
    end if;
    update osp.manifests m set status = 'deprecated'
    where m.schema = of_schema and m.status = 'active' and m.version <> chosen.version
    returning m.version into earlier;
    if earlier is not null then
        perform osp.audit(of_schema, earlier, 'deprecate', args, null);
    end if;
    update osp.manifests m set status = 'active' where m.schema = of_schema and m.version = chosen.version;
    perform osp.audit(of_schema, chosen.version, 'activate', args, null);
    return jsonb_build_object('version', chosen.version, 'was', chosen.status, 'earlier', earlier);
end $$;

create or replace function osp.undo_manifest_activate(args jsonb, result jsonb) returns void
language plpgsql set search_path = '' as $$
declare
    of_schema text := osp.lock_service(args);
begin
    update osp.manifests m set status = result ->> 'was'
    where m.schema = of_schema and m.version = (result ->> 'version')::integer and m.status = 'active'
      and result ->> 'was' <> 'active';
    if not found then
        return; -- somebody has moved on from it
    end if;
    perform osp.audit(of_schema, (result ->> 'version')::integer, 'update', args, 'activation undone');
    update osp.manifests m set status = 'active'
    where m.schema = of_schema and m.version = (result ->> 'earlier')::integer and m.status = 'deprecated';
    if found then
        perform osp.audit(of_schema, (result ->> 'earlier')::integer, 'activate', args, 'activation undone');
    end if;
end $$;

revoke execute on all functions in schema osp from public, anon, authenticated;

notify pgrst, 'reload schema';
select osp.migrated(20261123000006);
