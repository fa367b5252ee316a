-- expand
-- A task may wait for others: while one of them is open it is blocked. The list in its row is what was said; task_blockers is made of it
-- by a trigger, to find what a task blocks, and has those alone whose rows are there.
alter table tasks
  add column blocked_by integer[] not null default '{}',
  add constraint tasks_blocked_by check (cardinality(blocked_by) <= 20 and array_position(blocked_by, null) is null);

create table task_blockers (
  user_id integer not null,
  task_id integer not null,
  blocker_id integer not null,
  primary key (user_id, task_id, blocker_id),
  foreign key (user_id, task_id) references tasks (user_id, id) on delete cascade,
  foreign key (user_id, blocker_id) references tasks (user_id, id) on delete cascade
);
create index task_blockers_user_id_blocker_id_idx on task_blockers (user_id, blocker_id);
alter table task_blockers enable row level security;
create policy task_blockers_own on task_blockers to task_worker using (user_id = (select current_user_id()));
grant select on task_blockers to task_worker;

create function keep_blockers() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if tg_op = 'UPDATE' then
    delete from public.task_blockers
    where user_id = new.user_id and task_id = new.id and blocker_id <> all (new.blocked_by);
  end if;
  insert into public.task_blockers (user_id, task_id, blocker_id)
  select user_id, new.id, id from public.tasks where user_id = new.user_id and id = any (new.blocked_by)
  on conflict do nothing;
  -- A task whose row is there again blocks what it did.
  if tg_op = 'INSERT' and current_setting('app.restores', true) = 'on' then
    insert into public.task_blockers (user_id, task_id, blocker_id)
    select user_id, id, new.id from public.tasks where user_id = new.user_id and new.id = any (blocked_by)
    on conflict do nothing;
  end if;
  return null;
end
$$;
create trigger tasks_keep_inserted_blockers after insert on tasks
  for each row when (new.blocked_by <> '{}' or current_setting('app.restores', true) = 'on')
  execute function keep_blockers();
create trigger tasks_keep_updated_blockers after update on tasks
  for each row when (new.blocked_by is distinct from old.blocked_by)
  execute function keep_blockers();

-- No task waits for itself, by way of others either. All are looked at, finished and deleted ones too, as each may be open again.
create function hold_to_waiting() returns trigger
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
create constraint trigger tasks_hold_inserted_to_waiting after insert on tasks
  deferrable initially immediate
  for each row when (new.blocked_by <> '{}')
  execute function hold_to_waiting();
create constraint trigger tasks_hold_updated_to_waiting after update on tasks
  deferrable initially immediate
  for each row when (new.blocked_by <> '{}' and new.blocked_by is distinct from old.blocked_by)
  execute function hold_to_waiting();

-- As before, likewise of what it waits for.
create or replace function require_references() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  field text;
  referred integer;
begin
  for field, referred in
    select 'parent_id', new.parent_id where new.parent_id is distinct from old.parent_id
    union all
    select 'discovered_from', new.discovered_from where new.discovered_from is distinct from old.discovered_from
    union all
    select 'blocked_by', id from unnest(new.blocked_by) as id where id <> all (coalesce(old.blocked_by, '{}'))
  loop
    if tg_op = 'UPDATE' and referred = new.id then
      perform public.raise_reference(field, jsonb_build_object('problem', 'itself', 'task_id', new.id));
    elsif referred is not null and (
      referred = new.id
      or not exists (select from public.tasks where user_id = new.user_id and id = referred and deleted_at is null)
    ) then
      perform public.raise_reference(field, jsonb_build_object('problem', 'missing', 'id', referred));
    end if;
  end loop;
  return null;
end
$$;
drop trigger tasks_require_references_inserted on tasks;
drop trigger tasks_require_references_updated on tasks;
create trigger tasks_require_references_inserted after insert on tasks
  for each row when (
    (new.parent_id is not null or new.discovered_from is not null or new.blocked_by <> '{}')
    and current_setting('app.undoes', true) is distinct from 'on'
  ) execute function require_references();
create trigger tasks_require_references_updated after update on tasks
  for each row when (
    (
      new.parent_id is distinct from old.parent_id or new.discovered_from is distinct from old.discovered_from
      or new.blocked_by is distinct from old.blocked_by
    )
    and current_setting('app.undoes', true) is distinct from 'on'
  ) execute function require_references();

-- As before, and tells which of those that a task waits for are open.
create or replace function with_references(owner_id integer, outcome jsonb) returns jsonb
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if not outcome @? '$[*].task ? (@.parent_id != null || @.discovered_from != null || exists (@.blocked_by[*]))' then
    return outcome;
  end if;
  return (
    select jsonb_agg(
      case when referred.ids = '{}' then done else
        jsonb_set(done, '{task,references}', (
          select jsonb_build_object(
            'there', coalesce(jsonb_agg(id), '[]'),
            'open', coalesce(jsonb_agg(id order by id) filter (
              where id = any (referred.blockers) and status in ('pending', 'in_progress')
            ), '[]')
          )
          from public.tasks where user_id = owner_id and id = any (referred.ids) and deleted_at is null
        ))
      end order by place
    )
    from jsonb_array_elements(outcome) with ordinality as listed (done, place)
    cross join lateral (
      select array(
        select id::integer from jsonb_array_elements_text(coalesce(done #> '{task,blocked_by}', '[]')) as id
      ) as blockers
    ) as waiting
    cross join lateral (
      select waiting.blockers, array_remove(
        waiting.blockers || array[(done #>> '{task,parent_id}')::integer, (done #>> '{task,discovered_from}')::integer],
        null
      ) as ids
    ) as referred
  );
end
$$;

revoke execute on function keep_blockers() from public;
revoke execute on function hold_to_waiting() from public;
