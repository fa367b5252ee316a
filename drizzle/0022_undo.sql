-- expand
-- Undo: takes a change of the log back, as a change of its own. docs/changes.md says when it refuses.

-- Whether an undo puts a column of tasks back: a task's number, its times and its claim go on.
create function is_put_back(column_name text) returns boolean
language sql immutable parallel safe
return column_name <> all (
  '{id,version,created_at,updated_at,last_change,claim,claimed_until,claimed_by,claim_lapses}'::text[]
);

-- The columns that a change of a task has changed, as far as an undo puts them back. Whether its row is there is no more than
-- whether it is deleted: what is in it comes and goes with it.
create function undone_columns(before jsonb, after jsonb) returns text[]
language sql immutable parallel safe
return case
  when before is null or after is null then '{deleted_at}'::text[]
  else (
    select coalesce(array_agg(name), '{}') from jsonb_object_keys(before || after) as name
    where before -> name is distinct from after -> name and is_put_back(name)
  )
end;

-- Columns as a person knows them: of those that belong together, one field. "deleted" is whether the task is there.
create function fields_of(columns text[]) returns text[]
language sql immutable parallel safe
return (
  select coalesce(array_agg(distinct case name
    when 'due_date' then 'due'
    when 'due_at' then 'due'
    when 'completed_at' then 'status'
    when 'deleted_at' then 'deleted'
    else name
  end), '{}')
  from unnest(columns) as name
);

-- The changes after "undone" that have left their mark in one of these fields of a task (null for any), the last ten. A change
-- and the undo that took it back cancel out, in each field that the undo has put back: what is there is what was there before.
create function standing_changes(owner_id integer, changed_task_id integer, undone bigint, watched text[]) returns jsonb
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  most_named constant integer := 10;
  -- By field, the change from which on all is cancelled out.
  cancelled jsonb := '{}';
  standing jsonb := '[]';
  marked text[];
  later record;
begin
  for later in
    select logged.change, logged.operation, logged.before, logged.after, changes.undoes
    from public.task_changes as logged
    join public.changes on changes.user_id = logged.user_id and changes.change = logged.change
    where logged.user_id = owner_id and logged.task_id = changed_task_id and logged.change > undone
    order by logged.change desc
  loop
    select array_agg(field order by field) into marked
    from unnest(public.fields_of(public.undone_columns(later.before, later.after))) as field
    where (watched is null or field = any (watched))
      and (cancelled -> field is null or later.change < (cancelled ->> field)::bigint);
    if marked is null then
      continue;
    elsif later.undoes > undone then
      select cancelled || jsonb_object_agg(field, later.undoes) into cancelled from unnest(marked) as field;
    else
      standing := standing || jsonb_build_object(
        'change', later.change, 'operation', later.operation, 'fields', marked, 'undoes', later.undoes,
        'title', coalesce(later.after, later.before) -> 'title'
      );
      exit when jsonb_array_length(standing) = most_named;
    end if;
  end loop;
  return standing;
end
$$;

-- Takes a change of the caller back: what it made is deleted, what it deleted is there again, what it changed is as before. It does
-- all of that or nothing, and says which: "undone", each task and what was done to it; "nothing", where all is so already;
-- "in_the_way", the later changes that would be lost; "asks", what it would do to which task, where it may change "unasked" tasks
-- and delete none, and this is more; "refused", where the log has no such change. The user is that of the transaction, whose lock
-- of the user's row keeps all as it is from then on.
create function undo_change(undone bigint, unasked integer) returns jsonb
language plpgsql security definer
set search_path = pg_catalog, pg_temp
-- In which moments are logged.
set timezone = 'UTC'
as $$
declare
  most_tasks constant integer := 100;
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

  for step in
    select * from jsonb_to_recordset(steps) as step (id integer, deed text, columns jsonb, before jsonb, is_kept boolean)
  loop
    if step.deed = 'delete' then
      update public.tasks
      set deleted_at = now(), idempotency_key = null, version = version + 1, updated_at = now()
      where user_id = caller_id and id = step.id;
      continue;
    end if;
    -- Columns that have come since are left to their defaults, and those that have gone are left out.
    select string_agg(format('%I', attname), ', '), string_agg(format('image.%I', attname), ', ') into names, values_of
    from pg_attribute
    where attrelid = 'public.tasks'::regclass and attnum > 0 and not attisdropped and attgenerated = ''
      and case
        when step.is_kept then step.columns ? attname
        else step.before ? attname and (public.is_put_back(attname) or attname in ('id', 'created_at'))
      end;
    if step.is_kept then
      execute format(
        'update public.tasks set (%s, version, updated_at) = row (%s, tasks.version + 1, now())
         from jsonb_populate_record(null::public.tasks, $1) as image where tasks.user_id = $2 and tasks.id = $3',
        names, values_of
      ) using step.before, caller_id, step.id;
    else
      perform set_config('app.restores', 'on', true);
      execute format(
        'insert into public.tasks (%s, user_id, version, updated_at) overriding system value
         select %s, $2, image.version + 1, now() from jsonb_populate_record(null::public.tasks, $1) as image',
        names, values_of
      ) using step.before, caller_id;
      perform set_config('app.restores', '', true);
    end if;
  end loop;
  update public.changes set undoes = undone
  where user_id = caller_id and change = current_setting('app.change')::bigint;
  return jsonb_build_object('undone', (
    select jsonb_agg(each - array['columns', 'before', 'is_kept']) from jsonb_array_elements(steps) as each
  ));
end
$$;

revoke execute on function is_put_back(text) from public;
revoke execute on function undone_columns(jsonb, jsonb) from public;
revoke execute on function fields_of(text[]) from public;
revoke execute on function standing_changes(integer, integer, bigint, text[]) from public;
revoke execute on function undo_change(bigint, integer) from public;
grant execute on function undo_change(bigint, integer) to task_worker;
