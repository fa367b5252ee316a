-- Makes the schema public as a new database has it: without objects, default privileges and grants.
-- An extension stays with all that is its own, because a dump of the schema does not hold it.

create temporary table outside_public on commit drop as
  select 'pg_class'::regclass as catalog, oid, oid::regclass::text as name
  from pg_class
  where relnamespace not in ('public'::regnamespace, 'pg_toast'::regnamespace) and relkind in ('r', 'p', 'v', 'm', 'f')
  union all
  select 'pg_constraint'::regclass, oid, format('%s of %s', conname, conrelid::regclass)
  from pg_constraint
  where connamespace <> 'public'::regnamespace;

do $$
declare
  found record;
  gone text;
begin
  for found in
    select classid, objid
    from pg_depend as held
    where refclassid = 'pg_namespace'::regclass and refobjid = 'public'::regnamespace and deptype = 'n'
      and classid <> 'pg_extension'::regclass
      -- What belongs to an extension stays, and what is a part of something else goes with it.
      and not exists (
        select from pg_depend as owned
        where owned.classid = held.classid and owned.objid = held.objid and owned.deptype in ('e', 'i')
          and owned.refobjid <> owned.objid
      )
  loop
    -- One that went with another has no identity any more.
    execute coalesce(
      (
        select format('drop %s %s cascade', replace(type, 'statistics object', 'statistics'), identity)
        from pg_identify_object(found.classid, found.objid, 0)
        where identity is not null
      ),
      'select'
    );
  end loop;

  select string_agg(name, ', ') into gone
  from outside_public
  where (catalog, oid) not in (select tableoid, oid from pg_class union all select tableoid, oid from pg_constraint);
  if gone is not null then
    raise exception 'what is in other schemas depends on what is replaced, drop it first: %', gone;
  end if;

  for found in
    select distinct
      defaclrole::regrole as role,
      case defaclobjtype when 'r' then 'tables' when 'S' then 'sequences' when 'f' then 'functions' else 'types' end
        as objects,
      case grantee when 0 then 'public' else grantee::regrole::text end as grantee
    from pg_default_acl, aclexplode(defaclacl)
    -- Those of whom the owner may not speak for are the provider's.
    where defaclnamespace = 'public'::regnamespace and pg_has_role(defaclrole, 'usage')
  loop
    execute format(
      'alter default privileges for role %s in schema public revoke all on %s from %s',
      found.role, found.objects, found.grantee
    );
  end loop;

  for found in
    select distinct grantee::regrole as role
    from pg_namespace, aclexplode(nspacl)
    where nspname = 'public' and grantee not in (0, nspowner)
  loop
    execute format('revoke all on schema public from %s', found.role);
  end loop;
  grant usage on schema public to public;
end
$$;
