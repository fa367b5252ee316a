-- expand
-- Keeps the tasks that a call has found by a filter, for its other statements. Raises TS006 with the constraint "expect_count" where
-- their number is not the one expected; TS004, as require_task_versions does, where a person was shown other tasks.
create function keep_matched(matched integer[], expected integer, shown integer[]) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if cardinality(matched) <> expected then
    raise exception 'another number of tasks fits' using errcode = 'TS006', constraint = 'expect_count',
      detail = jsonb_build_object('count', cardinality(matched), 'expected', expected)::text;
  elsif not matched <@ shown then
    raise exception 'other tasks fit than were shown' using errcode = 'TS004';
  end if;
  perform set_config('app.matched', matched::text, true);
end
$$;

revoke execute on function keep_matched(integer[], integer, integer[]) from public;
grant execute on function keep_matched(integer[], integer, integer[]) to task_worker;

-- As before, of as many tasks as one call may change, with the next ones of those that recur, and those to which the same is done by one statement: each statement more
-- reads and writes all that the call has done so far.
create or replace function undo_change(undone bigint, unasked integer) returns jsonb
language plpgsql security definer
set search_path = pg_catalog, pg_temp
-- In which moments are logged.
set timezone = 'UTC'
as $$
declare
  most_tasks constant integer := 1000;
  caller_id constant integer := public.current_user_id();
  person record;
  one record;
  step record;
  was_there boolean;
  came_to_be_there boolean;
  is_there boolean;
  deed text;
  columns text[];
  names text;
  values_of text;
  watched text[];
  is_more_than_claims boolean := false;
  in_the_way jsonb := '[]';
  steps jsonb := '[]';
begin
  if caller_id is null or coalesce(current_setting('app.change', true), '') = '' then
    raise exception 'an undo is part of a call that writes' using errcode = 'insufficient_privilege';
  end if;
  select last_change, log_baseline into person from public.users where id = caller_id;
  if undone > person.last_change then
    return jsonb_build_object('refused', 'unknown', 'last', person.last_change);
  elsif undone <= person.log_baseline then
    return jsonb_build_object('refused', 'older', 'baseline', person.log_baseline);
  elsif (select count(*) from public.task_changes where user_id = caller_id and change = undone) > most_tasks then
    return jsonb_build_object('refused', 'large', 'most', most_tasks);
  end if;

  for one in
    select logged.task_id, logged.before, logged.after, public.logged_columns(to_jsonb(tasks)) as present
    from public.task_changes as logged
    left join public.tasks on tasks.user_id = logged.user_id and tasks.id = logged.task_id
    where logged.user_id = caller_id and logged.change = undone
    order by logged.task_id
  loop
    columns := public.undone_columns(one.before, one.after);
    was_there := one.before is not null and one.before ->> 'deleted_at' is null;
    came_to_be_there := one.after is not null and one.after ->> 'deleted_at' is null;
    is_there := one.present is not null and one.present ->> 'deleted_at' is null;
    is_more_than_claims := is_more_than_claims or columns <> '{}';
    -- Whether there is something left to do, and in which fields no later change may have left its mark.
    if columns = '{}' or not (was_there or came_to_be_there) then
      continue;
    elsif was_there and came_to_be_there then
      deed := 'update';
      -- Of columns that belong together, those that did not change were empty: a due date is a day or a moment, a task that is
      -- not completed was never completed.
      if columns && '{due_date,due_at}' then
        columns := columns || '{due_date,due_at}'::text[];
        one.before := '{"due_date": null, "due_at": null}' || one.before;
      end if;
      if columns && '{scheduled_date,scheduled_at}' then
        columns := columns || '{scheduled_date,scheduled_at}'::text[];
        one.before := '{"scheduled_date": null, "scheduled_at": null}' || one.before;
      end if;
      if 'status' = any (columns) then
        columns := columns || '{completed_at}'::text[];
        one.before := '{"completed_at": null}' || one.before;
      end if;
      select coalesce(array_agg(distinct name), '{}') into columns
      from unnest(columns) as name
      where one.present is null or one.present -> name is distinct from one.before -> name and one.present ? name;
      if columns = '{}' then
        continue;
      end if;
      watched := public.fields_of(columns) || case when is_there then '{}' else '{deleted}'::text[] end;
    elsif came_to_be_there then
      deed := 'delete';
      if not is_there then
        continue;
      end if;
      watched := null;
    else
      deed := 'restore';
      if is_there then
        continue;
      end if;
      -- A row that is gone comes back as it was before, whole.
      watched := case when one.present is not null then public.fields_of(columns) end;
    end if;
    in_the_way := in_the_way || (
      select coalesce(jsonb_agg(later || jsonb_build_object(
        'task_id', one.task_id, 'title', coalesce(one.present -> 'title', later -> 'title')
      )), '[]')
      from jsonb_array_elements(public.standing_changes(caller_id, one.task_id, undone, watched)) as later
    );
    steps := steps || jsonb_build_object(
      'id', one.task_id, 'deed', deed, 'columns', columns, 'before', one.before, 'is_kept', one.present is not null,
      'fields', public.fields_of(columns)
    );
  end loop;

  if in_the_way <> '[]' then
    return jsonb_build_object('in_the_way', in_the_way);
  elsif steps = '[]' then
    return jsonb_build_object(
      'nothing', case when is_more_than_claims then 'as before' else 'a claim' end,
      'undone_by', (select max(change) from public.changes where user_id = caller_id and undoes = undone)
    );
  elsif steps @> '[{"deed": "delete"}]' and unasked is not null or jsonb_array_length(steps) > unasked then
    return jsonb_build_object('asks', (
      select jsonb_agg(jsonb_build_object('id', each -> 'id', 'deed', each -> 'deed')) from jsonb_array_elements(steps) as each
    ));
  end if;

  -- Between two of its steps tasks may refer to each other as they never may in the end.
  set constraints all deferred;
  perform set_config('app.undoes', 'on', true);
  -- One statement for all tasks to which the same is done: each statement is logged by itself.
  for step in
    select each.deed, each.is_kept, each.columns, array_agg(each.id) as ids,
      jsonb_agg(each.before || jsonb_build_object('id', each.id) order by each.id) as images,
      (array_agg(each.before))[1] as first_image
    from jsonb_to_recordset(steps) as each (id integer, deed text, columns jsonb, before jsonb, is_kept boolean)
    group by each.deed, each.is_kept, each.columns,
      case when each.deed = 'restore' and not each.is_kept then (
        select array_agg(name order by name) from jsonb_object_keys(each.before) as name
      ) end
    order by min(each.id)
  loop
    if step.deed = 'delete' then
      update public.tasks
      set deleted_at = now(), idempotency_key = null, version = version + 1, updated_at = now()
      where user_id = caller_id and id = any (step.ids);
      continue;
    end if;
    -- Columns that have come since are left to their defaults, and those that have gone are left out.
    select string_agg(format('%I', attname), ', '), string_agg(format('image.%I', attname), ', ') into names, values_of
    from pg_attribute
    where attrelid = 'public.tasks'::regclass and attnum > 0 and not attisdropped and attgenerated = ''
      and case
        when step.is_kept then step.columns ? attname
        else step.first_image ? attname and (public.is_put_back(attname) or attname in ('id', 'created_at', 'created_by'))
      end;
    if step.is_kept then
      execute format(
        'update public.tasks set (%s, version, updated_at) = row (%s, tasks.version + 1, now())
         from jsonb_populate_recordset(null::public.tasks, $1) as image where tasks.user_id = $2 and tasks.id = image.id',
        names, values_of
      ) using step.images, caller_id;
    else
      perform set_config('app.restores', 'on', true);
      execute format(
        'insert into public.tasks (%s, user_id, version, updated_at) overriding system value
         select %s, $2, image.version + 1, now() from jsonb_populate_recordset(null::public.tasks, $1) as image order by image.id',
        names, values_of
      ) using step.images, caller_id;
      perform set_config('app.restores', '', true);
    end if;
  end loop;
  perform set_config('app.undoes', '', true);
  set constraints all immediate;
  update public.changes set undoes = undone
  where user_id = caller_id and change = current_setting('app.change')::bigint;
  return jsonb_build_object('undone', (
    select jsonb_agg(each - array['columns', 'before', 'is_kept']) from jsonb_array_elements(steps) as each
  ));
end
$$;
