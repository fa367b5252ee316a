-- expand
-- A task may be a subtask of another, and say during which it was found. Both are ids of the same person's tasks. They are no foreign
-- keys: an id is never given to another task, so that one whose task is gone refers to nothing until an undo brings that back, and
-- then to the same as before. A foreign key would have whoever removes a task write to others, which somebody may have claimed.
alter table tasks
  add column parent_id integer,
  add column discovered_from integer;
create index tasks_user_id_parent_id_idx on tasks (user_id, parent_id) where parent_id is not null;

-- Refuses a call that would let a task refer to another as it may not. "field" is how it refers.
create function raise_reference(field text, detail jsonb) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  raise exception 'a task may not refer to another so' using errcode = 'TS007', constraint = field, detail = detail::text;
end
$$;

-- What a task is newly said to refer to is there, and another; an undo says nothing new.
create function require_references() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  field text;
  referred integer;
begin
  for field, referred in
    select * from (values ('parent_id', new.parent_id), ('discovered_from', new.discovered_from)) as given (field, id)
    where id is not null
  loop
    if tg_op = 'UPDATE' and (to_jsonb(old) ->> field)::integer is not distinct from referred then
      continue;
    elsif tg_op = 'UPDATE' and referred = new.id then
      perform public.raise_reference(field, jsonb_build_object('problem', 'itself', 'task_id', new.id));
    elsif tg_op = 'INSERT' and referred = new.id or not exists (
      select from public.tasks where user_id = new.user_id and id = referred and deleted_at is null
    ) then
      perform public.raise_reference(field, jsonb_build_object('problem', 'missing', 'id', referred));
    end if;
  end loop;
  return null;
end
$$;
create trigger tasks_require_references_inserted after insert on tasks
  for each row when (
    (new.parent_id is not null or new.discovered_from is not null) and current_setting('app.undoes', true) is distinct from 'on'
  ) execute function require_references();
create trigger tasks_require_references_updated after update on tasks
  for each row when (
    (new.parent_id is distinct from old.parent_id or new.discovered_from is distinct from old.discovered_from)
    and current_setting('app.undoes', true) is distinct from 'on'
  ) execute function require_references();

-- Subtasks are never in a circle, nor more than five levels below another task. Deleted tasks count, as each may be there again;
-- the lock of the user's row, which every change of a task takes, keeps all as it is. An undo puts this off to its end.
create function hold_to_levels() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  most_levels constant integer := 5;
  upwards integer[];
  above integer;
  lowest record;
begin
  with recursive up (id, parent_id, level) as (
    select id, parent_id, 0 from public.tasks where user_id = new.user_id and id = new.id
    union all
    select parent.id, parent.parent_id, up.level + 1
    from up join public.tasks as parent on parent.user_id = new.user_id and parent.id = up.parent_id
    where up.level <= most_levels
  )
  select array_agg(id order by level) into upwards from up;
  above := cardinality(upwards) - 1;
  if new.id = any (upwards[2:]) then
    perform public.raise_reference('parent_id', jsonb_build_object(
      'problem', 'circle', 'task_id', new.id, 'path', to_jsonb(upwards[:array_position(upwards, new.id, 2)])
    ));
  end if;
  with recursive down (id, level) as (
    select new.id, 0
    union all
    select child.id, down.level + 1
    from down join public.tasks as child on child.user_id = new.user_id and child.parent_id = down.id
    where down.level <= most_levels
  )
  select id, level into lowest from down order by level desc, id limit 1;
  if above + lowest.level > most_levels then
    perform public.raise_reference('parent_id', jsonb_build_object(
      'problem', 'depth', 'task_id', new.id, 'deepest', lowest.id, 'top', upwards[cardinality(upwards)],
      'levels', above + lowest.level, 'most', most_levels, 'room', most_levels - 1 - lowest.level
    ));
  end if;
  return null;
end
$$;
-- A task whose row is there again has the subtasks that it had.
create constraint trigger tasks_hold_inserted_to_levels after insert on tasks
  deferrable initially immediate
  for each row when (new.parent_id is not null or current_setting('app.restores', true) = 'on')
  execute function hold_to_levels();
create constraint trigger tasks_hold_updated_to_levels after update on tasks
  deferrable initially immediate
  for each row when (new.parent_id is not null and new.parent_id is distinct from old.parent_id)
  execute function hold_to_levels();

-- What a call is told to have done, with what is known of the tasks that its tasks refer to once all is done: which are there.
create function with_references(owner_id integer, outcome jsonb) returns jsonb
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if not outcome @? '$[*].task ? (@.parent_id != null || @.discovered_from != null)' then
    return outcome;
  end if;
  return (
    select jsonb_agg(
      case when referred.ids = '{}' then done else
        jsonb_set(done, '{task,references}', jsonb_build_object('there', (
          select coalesce(jsonb_agg(id), '[]') from public.tasks
          where user_id = owner_id and id = any (referred.ids) and deleted_at is null
        )))
      end order by place
    )
    from jsonb_array_elements(outcome) with ordinality as listed (done, place)
    cross join lateral (
      select array_remove(
        array[(done #>> '{task,parent_id}')::integer, (done #>> '{task,discovered_from}')::integer], null
      ) as ids
    ) as referred
  );
end
$$;

revoke execute on function raise_reference(text, jsonb) from public;
revoke execute on function require_references() from public;
revoke execute on function hold_to_levels() from public;
revoke execute on function with_references(integer, jsonb) from public;

-- As before, and tells what is there of what tasks refer to.
create or replace function end_call() returns jsonb
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  caller_id constant integer := public.current_user_id();
  call constant jsonb := current_setting('app.call')::jsonb;
  write constant jsonb := call -> 'write';
  outcome constant jsonb := public.with_references(caller_id, current_setting('app.outcome')::jsonb);
  refused constant jsonb := nullif(current_setting('app.refused', true), '')::jsonb;
  changes constant boolean := jsonb_array_length(outcome) > 0;
  change constant bigint := case when changes then current_setting('app.change')::bigint end;
begin
  -- The user is not there any more where the call deleted the account.
  if (changes or (write ->> 'is_kept')::boolean) and exists (select from public.users where id = caller_id) then
    insert into public.idempotency_keys (user_id, key, tool, input_hash, change, outcome, refused)
    values (caller_id, write ->> 'key', write ->> 'tool', write ->> 'input_hash', change, outcome, refused)
    -- One that has expired.
    on conflict (user_id, key) do update
    set tool = excluded.tool, input_hash = excluded.input_hash, change = excluded.change, outcome = excluded.outcome,
      refused = excluded.refused, created_at = excluded.created_at;
    if change % 50 = 0 then
      perform public.shorten_older_outcomes(caller_id);
    end if;
  end if;
  perform public.delete_expired_keys();
  perform public.require_time_left((call ->> 'deadline')::timestamptz);
  return jsonb_build_object('change', change, 'outcome', outcome, 'refused', refused);
end
$$;
