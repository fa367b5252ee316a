-- expand
-- Who made a task and who changed it last, as its history tells it: by which client and which way. Null of what was made before this.
alter table tasks
  add column created_by text,
  add column changed_by text;

-- Who makes the changes of this transaction, such as "Claude (mcp)", and "chat" for what no client has a name in.
create function maker_of_changes() returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  call jsonb;
  via text;
  name text;
begin
  if coalesce(current_setting('app.change', true), '') = '' then
    return session_user || ' (sql)';
  end if;
  call := current_setting('app.call')::jsonb;
  via := call #>> '{origin,via}';
  name := public.claimant(call);
  return case when name = via or coalesce(via, '') = '' then name else format('%s (%s)', name, via) end;
end
$$;

-- What grows a task's version is a change of it; claims do not.
create function note_maker() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if tg_op = 'UPDATE' or current_setting('app.restores', true) = 'on' then
    new.changed_by := public.maker_of_changes();
  else
    new.created_by := public.maker_of_changes();
    new.changed_by := null;
  end if;
  return new;
end
$$;
-- Triggers fire by their names: what this sets is in the log (tasks_number_change).
create trigger tasks_note_maker before insert on tasks for each row execute function note_maker();
create trigger tasks_note_last_maker before update on tasks
  for each row when (new.version is distinct from old.version) execute function note_maker();

-- As before, and who has changed a task goes on.
create or replace function is_put_back(column_name text) returns boolean
language sql immutable parallel safe
return column_name <> all (
  '{id,version,created_at,updated_at,created_by,changed_by,last_change,claim,claimed_until,claimed_by,claim_lapses}'::text[]
);

revoke execute on function maker_of_changes() from public;
revoke execute on function note_maker() from public;
