-- What was deleted does not come back to life.
delete from tasks where deleted_at is not null;
drop policy tasks_not_deleted on tasks;
drop trigger users_delete_log on users;
drop trigger tasks_number_change on tasks;
drop function delete_log();
drop function number_task_change();

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
  if coalesce(current_setting('app.change', true), '') = '' then
    if tg_op = 'INSERT' then
      insert into public.idempotency_keys (user_id, key, tool, outcome)
      select
        user_id, 'caller:' || idempotency_key, 'create_task',
        jsonb_build_array(jsonb_build_object(
          'operation', 'insert', 'completed', status = 'completed',
          'task', to_jsonb(changed) - 'user_id' - 'idempotency_key' - 'searched_text' - 'searched_tags'
        ))
      from changed
      where idempotency_key is not null
      on conflict do nothing;
    end if;
    return null;
  end if;
  -- The tasks of an account that is being deleted go with it, however many there are.
  if tg_op = 'DELETE' and not exists (select from public.users where id = public.current_user_id()) then
    return null;
  end if;
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

create or replace function count_deleted_tasks() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  -- Of an account that is being deleted there is no row any more.
  update public.users set task_count = task_count - gone.tasks
  from (select user_id, count(*) as tasks from deleted group by user_id) as gone
  where users.id = gone.user_id;
  return null;
end
$$;

create or replace function set_caller(call jsonb) returns jsonb
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  caller_id constant integer := (call ->> 'user_id')::integer;
  credential constant jsonb := call -> 'credential';
  origin constant jsonb := call -> 'origin';
  write constant jsonb := call -> 'write';
  deadline constant timestamptz := (call ->> 'deadline')::timestamptz;
  milliseconds_left integer;
  person record;
  counts boolean;
begin
  if deadline is not null then
    milliseconds_left := least(10000, greatest(500, extract(epoch from deadline - clock_timestamp()) * 1000));
    perform set_config('lock_timeout', milliseconds_left::text, true);
    perform set_config('statement_timeout', milliseconds_left::text, true);
  end if;
  if write is null then
    select id, time_zone, signed_out_at, last_change into person from public.users where id = caller_id;
  else
    select id, time_zone, signed_out_at, last_change into person
    from public.users where id = caller_id for no key update;
  end if;
  counts := person.id is not null and public.credential_counts(caller_id, credential, person.signed_out_at);
  -- With the server's own key, which nobody else knows, a call may itself have ended the credential.
  if write is not null and (counts or write ->> 'key' like 'server:%') and exists (
    select from public.idempotency_keys
    where user_id = caller_id and key = write ->> 'key' and created_at > now() - interval '24 hours'
  ) then
    raise exception 'this call has been carried out' using errcode = 'TS002';
  end if;
  if counts is not true then
    raise exception 'the credential does not count' using errcode = '28000';
  end if;
  perform public.require_time_left(deadline);
  if credential ->> 'kind' in ('personal', 'oauth') then
    perform public.note_use(caller_id, credential, origin ->> 'client');
  end if;
  perform set_config('app.user_id', caller_id::text, true);
  perform set_config('app.time_zone', person.time_zone, true);
  perform set_config('TimeZone', 'UTC', true);
  perform set_config('app.via', coalesce(origin ->> 'via', ''), true);
  perform set_config('app.client', coalesce(origin ->> 'client', ''), true);
  perform set_config('app.request_id', coalesce(origin ->> 'request_id', ''), true);
  if write is not null then
    perform set_config('app.change', (person.last_change + 1)::text, true);
    perform set_config('app.outcome', '[]', true);
    perform set_config('app.call', call::text, true);
  end if;
  return jsonb_build_object('now', clock_timestamp(), 'time_zone', person.time_zone);
end
$$;

create or replace function end_call() returns jsonb
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  caller_id constant integer := public.current_user_id();
  call constant jsonb := current_setting('app.call')::jsonb;
  write constant jsonb := call -> 'write';
  outcome constant jsonb := current_setting('app.outcome')::jsonb;
  changes constant boolean := jsonb_array_length(outcome) > 0;
  change constant bigint := case when changes then current_setting('app.change')::bigint end;
begin
  if changes then
    update public.users set last_change = change where id = caller_id;
  end if;
  -- The user is not there any more where the call deleted the account.
  if (changes or (write ->> 'is_kept')::boolean) and exists (select from public.users where id = caller_id) then
    insert into public.idempotency_keys (user_id, key, tool, input_hash, change, outcome)
    values (caller_id, write ->> 'key', write ->> 'tool', write ->> 'input_hash', change, outcome)
    -- One that has expired.
    on conflict (user_id, key) do update
    set tool = excluded.tool, input_hash = excluded.input_hash, change = excluded.change, outcome = excluded.outcome,
      created_at = excluded.created_at;
    if change % 50 = 0 then
      perform public.shorten_older_outcomes(caller_id);
    end if;
  end if;
  perform public.delete_expired_keys();
  perform public.require_time_left((call ->> 'deadline')::timestamptz);
  return jsonb_build_object('change', change, 'outcome', outcome);
end
$$;

drop function log_task_change(jsonb, jsonb);
drop function is_logged(jsonb, jsonb);
drop function logged_columns(jsonb);
drop function change_number(integer);
drop table task_changes;
drop table changes;
drop index tasks_user_id_last_change_idx;
alter table tasks drop column last_change, drop column deleted_at;
alter table users drop column log_baseline;
