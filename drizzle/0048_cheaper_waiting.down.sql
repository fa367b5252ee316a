create or replace function hold_to_waiting() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  through integer;
begin
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
  if through is not null then
    perform public.raise_reference(
      'blocked_by', jsonb_build_object('problem', 'wait', 'task_id', new.id, 'through', through)
    );
  end if;
  return null;
end
$$;
