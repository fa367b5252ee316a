-- expand
-- As before. A task that nobody waits for is looked at no further, as no circle leads to it; and what all others wait for is gathered once,
-- not once for each of the twenty that a task may wait for: by which of them a circle goes is asked where there is one.
create or replace function hold_to_waiting() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  is_circle boolean;
  through integer;
begin
  if not exists (select from public.task_blockers where user_id = new.user_id and blocker_id = new.id) then
    return null;
  end if;
  with recursive waits (id) as (
    select blocker.id from public.tasks, unnest(blocked_by) as blocker (id)
    where tasks.user_id = new.user_id and tasks.id = new.id
    union
    select blocker.id
    from waits
    join public.tasks on tasks.user_id = new.user_id and tasks.id = waits.id
    cross join unnest(tasks.blocked_by) as blocker (id)
  )
  select exists (select from waits where id = new.id) into is_circle;
  if not is_circle then
    return null;
  end if;
  with recursive waits (id, first) as (
    select blocker.id, blocker.id from public.tasks, unnest(blocked_by) as blocker (id)
    where tasks.user_id = new.user_id and tasks.id = new.id
    union
    select blocker.id, waits.first
    from waits
    join public.tasks on tasks.user_id = new.user_id and tasks.id = waits.id
    cross join unnest(tasks.blocked_by) as blocker (id)
  )
  select first into through from waits where id = new.id order by first limit 1;
  perform public.raise_reference(
    'blocked_by', jsonb_build_object('problem', 'wait', 'task_id', new.id, 'through', through)
  );
  return null;
end
$$;
