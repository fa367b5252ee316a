-- What a database is like that keeps no log of changes and no key: bench/change-log.ts compares with it. What a call has come to
-- is gathered all the same, as its answer is made of it, and the user's row is locked and their number grows.
drop trigger tasks_number_change on tasks;
drop index tasks_user_id_last_change_idx;

create or replace function assign_task_id() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  most_tasks constant integer := 100000;
  counted integer;
begin
  update public.users set last_task_id = last_task_id + 1, task_count = task_count + 1
  where id = new.user_id
  returning last_task_id, task_count into new.id, counted;
  if not found then
    raise exception 'there is no user %', new.user_id using errcode = 'foreign_key_violation';
  end if;
  if counted > most_tasks then
    perform public.raise_limit('tasks', most_tasks);
  end if;
  return new;
end
$$;

create or replace function gather_task_changes() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  gathered jsonb;
begin
  if tg_op = 'UPDATE' then
    select jsonb_agg(
      jsonb_build_object(
        'operation', 'update',
        'completed', changed.status = 'completed' and before.status <> 'completed',
        'task', to_jsonb(changed) - 'user_id' - 'idempotency_key' - 'searched_text' - 'searched_tags'
      ) order by changed.id
    ) into gathered
    from changed join before using (user_id, id);
  else
    select jsonb_agg(
      jsonb_build_object(
        'operation', lower(tg_op),
        'completed', tg_op = 'INSERT' and status = 'completed',
        'task', to_jsonb(changed) - 'user_id' - 'idempotency_key' - 'searched_text' - 'searched_tags'
      ) order by id
    ) into gathered
    from changed;
  end if;
  if gathered is not null then
    perform set_config('app.outcome', (current_setting('app.outcome')::jsonb || gathered)::text, true);
  end if;
  return null;
end
$$;

create or replace function end_call() returns jsonb
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  caller_id constant integer := public.current_user_id();
  call constant jsonb := current_setting('app.call')::jsonb;
  outcome constant jsonb := current_setting('app.outcome')::jsonb;
  change constant bigint := case when jsonb_array_length(outcome) > 0 then current_setting('app.change')::bigint end;
begin
  if change is not null then
    update public.users set last_change = change where id = caller_id;
  end if;
  perform public.require_time_left((call ->> 'deadline')::timestamptz);
  return jsonb_build_object('change', change, 'outcome', outcome);
end
$$;

-- A key is not looked up.
do $$
declare
  looked_up constant text := 'and exists (
    select from public.idempotency_keys
    where user_id = caller_id and key = write ->> ''key'' and created_at > now() - interval ''24 hours''
  )';
  present constant text := pg_get_functiondef('set_caller(jsonb)'::regprocedure);
begin
  if strpos(present, looked_up) = 0 then
    raise exception 'set_caller looks a key up in another way';
  end if;
  execute replace(present, looked_up, 'and false');
end
$$;
