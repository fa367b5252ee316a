lock table users in exclusive mode;
lock table tasks in share row exclusive mode;

create or replace function assign_task_id() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  most_tasks constant integer := 100000;
  counted integer;
begin
  if current_setting('app.restores', true) = 'on' then
    update public.users set task_count = task_count + 1
    where id = new.user_id and last_task_id >= new.id
    returning task_count into counted;
  else
    update public.users set last_task_id = last_task_id + 1, task_count = task_count + 1
    where id = new.user_id
    returning last_task_id, task_count into new.id, counted;
  end if;
  if not found then
    raise exception 'there is no user %', new.user_id using errcode = 'foreign_key_violation';
  end if;
  if counted > most_tasks then
    perform public.raise_limit('tasks', most_tasks);
  end if;
  new.last_change := public.change_number(new.user_id);
  return new;
end
$$;

create or replace function log_task_changes(befores jsonb[], afters jsonb[]) returns jsonb
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  most_tasks constant integer := 100000;
  -- Null for a write past the worker.
  call constant jsonb := case when current_setting('app.change', true) <> '' then current_setting('app.call')::jsonb end;
  restores constant boolean := coalesce(current_setting('app.restores', true) = 'on', false);
  outcome jsonb;
  counted integer;
begin
  with images as materialized (
    select
      (coalesce(after, before) -> 'user_id')::integer as owner_id,
      (coalesce(after, before) -> 'id')::integer as task_id,
      public.logged_columns(before) as was,
      public.logged_columns(after) as now_is,
      (after -> 'last_change')::bigint as number,
      coalesce(before ->> 'deleted_at' is not null, false) as was_deleted,
      coalesce(after ->> 'deleted_at' is not null, false) as is_deleted
    from unnest(befores, afters) as image (before, after)
  ),
  happened as materialized (
    select
      owner_id, task_id, was, now_is, was_deleted, is_deleted,
      coalesce(number, public.change_number(owner_id)) as change,
      case
        when was is null and restores then 'restore'
        when was is null then 'insert'
        when now_is is null or is_deleted and not was_deleted then 'delete'
        when was_deleted and not is_deleted then 'restore'
        else 'update'
      end as operation
    from images
    where was - 'claimed_until' is distinct from now_is - 'claimed_until'
      -- The row of a deleted task goes some day; that the task is gone was logged when it was deleted.
      and not (was_deleted and now_is is null)
  ),
  owners as materialized (
    select
      owner_id, change,
      -- Rows that go or come are counted where they do.
      sum(was_deleted::integer - is_deleted::integer) filter (where was is not null and now_is is not null) as restored,
      bool_or(operation = 'restore') as restores_some
    from happened group by owner_id, change
  ),
  calls as (
    insert into public.changes (
      user_id, change, tool, via, client, credential_kind, credential_id, request_id, note
    )
    select
      owner_id, change, call #>> '{write,tool}',
      case when call is null then 'sql' else coalesce(call #>> '{origin,via}', '') end,
      case when call is null then session_user::text else call #>> '{origin,client}' end,
      call #>> '{credential,kind}', call #>> '{credential,id}', call #>> '{origin,request_id}', call #>> '{write,note}'
    from owners
    on conflict (user_id, change) do nothing
  ),
  people as (
    update public.users
    set last_change = greatest(users.last_change, owners.change), task_count = users.task_count + coalesce(owners.restored, 0)
    from owners
    where users.id = owners.owner_id and (users.last_change < owners.change or owners.restored <> 0)
    returning users.task_count, owners.restores_some
  ),
  task_changes as (
    insert into public.task_changes as logged (user_id, change, task_id, operation, before, after)
    select
      owner_id, change, task_id, operation,
      case when operation = 'update' then differing.before else was end,
      case when operation = 'update' then differing.after else now_is end
    from happened
    cross join lateral (
      select jsonb_object_agg(key, was -> key) as before, jsonb_object_agg(key, value) as after
      from jsonb_each(now_is) where operation = 'update' and value is distinct from was -> key
    ) as differing
    -- The same call has changed the task already.
    on conflict (user_id, change, task_id) do update set
      operation = case
        when excluded.after is null then 'delete'
        when logged.operation = 'insert' then 'insert'
        when logged.operation = 'delete' and excluded.operation in ('insert', 'restore') then 'update'
        when excluded.operation = 'update' then logged.operation
        else excluded.operation
      end,
      before = case
        when logged.before is not null then coalesce(excluded.before, '{}') || logged.before
        when excluded.after is null then excluded.before
      end,
      after = case when excluded.operation = 'update' then logged.after || excluded.after else excluded.after end
  )
  select
    -- In words that the release before reads: it knows no restore, and shows a deleted task as it was.
    coalesce(jsonb_agg(jsonb_build_object(
      'operation', case operation when 'restore' then 'update' else operation end,
      'completed', coalesce(
        now_is ->> 'status' = 'completed' and was ->> 'status' is distinct from 'completed' and not was_deleted, false
      ),
      'task', case when operation = 'delete' then was else now_is end
    ) order by task_id) filter (where call is not null), '[]'),
    (select max(task_count) from people where restores_some)
  into outcome, counted
  from happened;
  if counted > most_tasks then
    perform public.raise_limit('tasks', most_tasks);
  end if;
  return outcome;
end
$$;
