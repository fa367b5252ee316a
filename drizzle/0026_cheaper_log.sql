-- expand
-- The log costs a call less: what a statement does to tasks is logged by one statement, which makes each image once, and not by
-- a call of log_task_change for each task. That function stays, for the calls that are under way while this comes.

-- As before; rows are compared as they are, without an image of either.
create or replace function number_task_change() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  -- The row before it, as it would be had nothing changed that is logged: see is_logged.
  unchanged record;
begin
  if (new.user_id, new.id) <> (old.user_id, old.id) then
    raise exception 'a task keeps its id and its user' using errcode = 'insufficient_privilege';
  end if;
  unchanged := old;
  unchanged.idempotency_key := new.idempotency_key;
  unchanged.searched_text := new.searched_text;
  unchanged.searched_tags := new.searched_tags;
  unchanged.last_change := new.last_change;
  unchanged.claimed_until := new.claimed_until;
  new.last_change := case when unchanged is distinct from new then public.change_number(new.user_id) else old.last_change end;
  return new;
end
$$;

-- Logs what one statement has done to tasks, each by its row before and after it, under the number of its user's change: null
-- before what was made, and after what is gone with its row. Returns what end_call keeps of it for a repeat of the call: of a write
-- past the worker nothing.
create function log_task_changes(befores jsonb[], afters jsonb[]) returns jsonb
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

-- As before, by log_task_changes: a thousand tasks at a time, so that no write by SQL has too many for it.
create or replace function gather_task_changes() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
-- In which moments are logged.
set timezone = 'UTC'
as $$
declare
  at_once constant integer := 1000;
  is_call constant boolean := coalesce(current_setting('app.change', true), '') <> '';
  chunk record;
  gathered jsonb := '[]';
begin
  if tg_op = 'INSERT' then
    if not is_call then
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
    for chunk in
      select array_agg(after) as afters
      from (select to_jsonb(changed) as after, (row_number() over () - 1) / at_once as part from changed) as numbered
      group by part order by part
    loop
      gathered := gathered || public.log_task_changes(null, chunk.afters);
    end loop;
  elsif tg_op = 'UPDATE' then
    for chunk in
      select array_agg(was) as befores, array_agg(now_is) as afters
      from (
        select to_jsonb(before) as was, to_jsonb(changed) as now_is, (row_number() over () - 1) / at_once as part
        from changed join before using (user_id, id)
      ) as numbered
      group by part order by part
    loop
      gathered := gathered || public.log_task_changes(chunk.befores, chunk.afters);
    end loop;
  else
    -- Those whose deletion was not logged before take their number ahead of a statement that writes to users itself. The tasks of
    -- an account that is being deleted go with it, however many there are.
    perform public.change_number(user_id)
    from (select distinct user_id from changed where deleted_at is null) as owners;
    for chunk in
      select array_agg(before) as befores
      from (
        select to_jsonb(changed) as before, (row_number() over () - 1) / at_once as part
        from changed where exists (select from public.users where users.id = changed.user_id)
      ) as numbered
      group by part order by part
    loop
      gathered := gathered || public.log_task_changes(chunk.befores, null);
    end loop;
  end if;
  if is_call and gathered <> '[]' then
    perform set_config('app.outcome', (current_setting('app.outcome')::jsonb || gathered)::text, true);
  end if;
  return null;
end
$$;

-- As before; PostgreSQL keeps its plan for the session, which it does not of a function in SQL.
create or replace function delete_expired_keys() returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  with expired as materialized (
    select user_id, key from public.idempotency_keys
    where public.key_expires_at(key, created_at) <= now()
    order by public.key_expires_at(key, created_at)
    limit 20 for update skip locked
  )
  delete from public.idempotency_keys as old using expired
  where old.user_id = expired.user_id and old.key = expired.key;
end
$$;

revoke execute on function log_task_changes(jsonb[], jsonb[]) from public;
