create or replace function number_task_change() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if (new.user_id, new.id) <> (old.user_id, old.id) then
    raise exception 'a task keeps its id and its user' using errcode = 'insufficient_privilege';
  end if;
  new.last_change := case
    when public.is_logged(to_jsonb(old), to_jsonb(new)) then public.change_number(new.user_id)
    else old.last_change
  end;
  return new;
end
$$;

create or replace function gather_task_changes() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
-- In which moments are logged.
set timezone = 'UTC'
as $$
declare
  gathered jsonb;
begin
  if tg_op = 'INSERT' then
    if coalesce(current_setting('app.change', true), '') = '' then
      insert into public.idempotency_keys (user_id, key, tool, outcome)
      select
        user_id, 'caller:' || idempotency_key, 'create_task',
        jsonb_build_array(jsonb_build_object(
          'operation', 'insert', 'completed', status = 'completed', 'task', public.logged_columns(to_jsonb(changed))
        ))
      from changed
      where idempotency_key is not null
      on conflict do nothing;
    end if;
    with logged as materialized (
      select public.log_task_change(null, to_jsonb(changed)) as outcome from changed order by id
    )
    select jsonb_agg(outcome) into gathered from logged where outcome is not null;
  elsif tg_op = 'UPDATE' then
    with logged as materialized (
      select public.log_task_change(to_jsonb(before), to_jsonb(changed)) as outcome
      from changed join before using (user_id, id) order by id
    )
    select jsonb_agg(outcome) into gathered from logged where outcome is not null;
  else
    -- The tasks of an account that is being deleted go with it, however many there are.
    with logged as materialized (
      select public.log_task_change(to_jsonb(changed), null) as outcome
      from changed where exists (select from public.users where users.id = changed.user_id) order by id
    )
    select jsonb_agg(outcome) into gathered from logged where outcome is not null;
  end if;
  if gathered is not null then
    perform set_config('app.outcome', (current_setting('app.outcome')::jsonb || gathered)::text, true);
  end if;
  return null;
end
$$;

create or replace function delete_expired_keys() returns void
language sql security definer
set search_path = pg_catalog, pg_temp
as $$
  with expired as materialized (
    select user_id, key from public.idempotency_keys
    where public.key_expires_at(key, created_at) <= now()
    order by public.key_expires_at(key, created_at)
    limit 20 for update skip locked
  )
  delete from public.idempotency_keys as old using expired
  where old.user_id = expired.user_id and old.key = expired.key
$$;

drop function log_task_changes(jsonb[], jsonb[]);
