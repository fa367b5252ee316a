-- expand
-- Raises TS004 where one of these tasks of the caller has another version than the person was shown who said yes to a call:
-- {"12": 3}. It is asked with set_caller, whose lock of the user's row keeps the tasks as they are from then on, and after
-- the key was looked up, so that a call which was carried out is found first. A task that is gone is for the call to miss.
create function require_task_versions(versions jsonb) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if exists (
    select from jsonb_each_text(versions) as shown (id, version)
    join public.tasks on tasks.user_id = public.current_user_id() and tasks.id = shown.id::integer
    where tasks.version <> shown.version::integer
  ) then
    raise exception 'a task has changed since it was shown' using errcode = 'TS004';
  end if;
end
$$;

revoke execute on function require_task_versions(jsonb) from public;
grant execute on function require_task_versions(jsonb) to task_worker;
