-- expand
-- The log: every change of a task is kept, what was before and after, when, who made it and how. A trigger writes it, so that
-- no way to change a task can forget it, under the user's next number: docs/changes.md says what it is good for.
-- First users, then tasks: a call that writes takes the row of its user first too, so that neither waits for the other.
alter table users add column log_baseline bigint not null default 0;

-- "last_change" is the number of the task's last change, 0 where it was made before the log. A task with "deleted_at" is deleted:
-- its row stays for some time, so that the deletion can be undone.
alter table tasks
  add column last_change bigint not null default 0,
  add column deleted_at timestamptz(3);
create index tasks_user_id_last_change_idx on tasks (user_id, last_change);

-- A row for each call that changed tasks. "via" is how it came (mcp, chat, http, page, schedule), or sql for a write past the worker,
-- whose "client" is the database's role, or migration for the log's baseline. No foreign key: the account's end removes both.
create table changes (
  user_id integer not null,
  change bigint not null,
  at timestamptz(3) not null default clock_timestamp(),
  tool text,
  via text not null,
  client text,
  credential_kind text,
  credential_id text,
  request_id text,
  note text,
  undoes bigint,
  primary key (user_id, change),
  constraint changes_note_length check (char_length(note) between 1 and 500)
);

-- A row for each task that a call changed, however often it did. Of an update "before" and "after" have the columns that changed,
-- of all else the whole task; "before" is null of what was made, "after" of what is gone with its row. "baseline" is a task as it
-- was when the log began.
create table task_changes (
  user_id integer not null,
  change bigint not null,
  task_id integer not null,
  operation text not null,
  before jsonb,
  after jsonb,
  primary key (user_id, change, task_id),
  constraint task_changes_operation check (operation in ('baseline', 'insert', 'update', 'delete', 'restore'))
);
create index task_changes_user_id_task_id_change_idx on task_changes (user_id, task_id, change);
-- What was deleted since, whose row may be gone.
create index task_changes_user_id_change_idx on task_changes (user_id, change) where operation = 'delete';

-- The number under which a change of a user's task is logged: that of the call; of a write past the worker the user's next, one for
-- its whole transaction. Null where the user is gone.
create function change_number(owner_id integer) returns bigint
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  of_call constant text := nullif(current_setting('app.change', true), '');
  taken constant jsonb := coalesce(nullif(current_setting('app.taken_changes', true), ''), '{}')::jsonb;
  number bigint := (taken ->> owner_id::text)::bigint;
begin
  if of_call is not null and owner_id = public.current_user_id() then
    return of_call::bigint;
  end if;
  if number is null then
    update public.users set last_change = last_change + 1 where id = owner_id returning last_change into number;
    if found then
      perform set_config('app.taken_changes', (taken || jsonb_build_object(owner_id, number))::text, true);
    end if;
  end if;
  return number;
end
$$;

-- What the log keeps of a row of tasks. What is kept for searching, or for one call, is no part of what happened to a task.
create function logged_columns(task jsonb) returns jsonb
language sql immutable parallel safe
return task - array['user_id', 'idempotency_key', 'searched_text', 'searched_tags', 'last_change'];

-- Whether something happened to a task that is worth a number. A claim that is renewed says no more than before.
create function is_logged(before jsonb, after jsonb) returns boolean
language sql immutable parallel safe
return logged_columns(before) - 'claimed_until' is distinct from logged_columns(after) - 'claimed_until';

-- As before, and gives the task the number of its change. What an undo brings back whose row is gone keeps its id (app.restores).
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

create function number_task_change() returns trigger
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
create trigger tasks_number_change before update on tasks for each row execute function number_task_change();

-- Logs what happened to one task, its row before and after it, under the number of its change. Returns what end_call keeps of it
-- for a repeat of the call; null where nothing happened that is logged, and for a write past the worker.
create function log_task_change(before jsonb, after jsonb) returns jsonb
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  most_tasks constant integer := 100000;
  owner_id constant integer := coalesce(after, before) -> 'user_id';
  changed_id constant integer := coalesce(after, before) -> 'id';
  was_deleted constant boolean := before ->> 'deleted_at' is not null;
  is_deleted constant boolean := after ->> 'deleted_at' is not null;
  call constant jsonb := case when current_setting('app.change', true) <> '' then current_setting('app.call')::jsonb end;
  was jsonb := public.logged_columns(before);
  now_is jsonb := public.logged_columns(after);
  happened text;
  number bigint;
  counted integer;
begin
  -- The row of a deleted task goes some day; that the task is gone was logged when it was deleted.
  if not public.is_logged(before, after) or (was_deleted and after is null) then
    return null;
  end if;
  happened := case
    when before is null and current_setting('app.restores', true) = 'on' then 'restore'
    when before is null then 'insert'
    when after is null or is_deleted and not was_deleted then 'delete'
    when was_deleted and not is_deleted then 'restore'
    else 'update'
  end;
  number := case when after is null then public.change_number(owner_id) else (after -> 'last_change')::bigint end;
  insert into public.changes (
    user_id, change, tool, via, client, credential_kind, credential_id, request_id, note
  )
  values (
    owner_id, number, call #>> '{write,tool}',
    case when call is null then 'sql' else coalesce(call #>> '{origin,via}', '') end,
    case when call is null then session_user::text else call #>> '{origin,client}' end,
    call #>> '{credential,kind}', call #>> '{credential,id}', call #>> '{origin,request_id}', call #>> '{write,note}'
  )
  on conflict (user_id, change) do nothing;
  if found then
    update public.users set last_change = number where id = owner_id and last_change < number;
  end if;
  -- Rows that go or come are counted where they do.
  if after is not null and before is not null and is_deleted <> was_deleted then
    update public.users set task_count = task_count + case when is_deleted then -1 else 1 end
    where id = owner_id
    returning task_count into counted;
    if counted > most_tasks and not is_deleted then
      perform public.raise_limit('tasks', most_tasks);
    end if;
  end if;
  if happened = 'update' then
    select jsonb_object_agg(key, was -> key), jsonb_object_agg(key, value) into was, now_is
    from jsonb_each(now_is) where value is distinct from was -> key;
  end if;
  insert into public.task_changes as logged (user_id, change, task_id, operation, before, after)
  values (owner_id, number, changed_id, happened, was, now_is)
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
    after = case when excluded.operation = 'update' then logged.after || excluded.after else excluded.after end;
  if call is null then
    return null;
  end if;
  -- In words that the release before reads: it knows no restore, and shows a deleted task as it was.
  return jsonb_build_object(
    'operation', case happened when 'restore' then 'update' else happened end,
    'completed', after ->> 'status' = 'completed' and before ->> 'status' is distinct from 'completed' and not was_deleted,
    'task', public.logged_columns(case when happened = 'delete' then before else after end)
  );
end
$$;

-- As before, and it logs what it gathers.
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

-- As before, but for the tasks that were counted when they were deleted.
create or replace function count_deleted_tasks() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  -- Of an account that is being deleted there is no row any more.
  update public.users set task_count = task_count - gone.tasks
  from (select user_id, count(*) as tasks from deleted where deleted_at is null group by user_id) as gone
  where users.id = gone.user_id;
  return null;
end
$$;

create function delete_log() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  delete from public.task_changes using gone where task_changes.user_id = gone.id;
  delete from public.changes using gone where changes.user_id = gone.id;
  return null;
end
$$;
create trigger users_delete_log after delete on users
  referencing old table as gone for each statement execute function delete_log();

-- As before, and what is deleted is seen by the statements after it where the call says so ("sees_deleted"). Returns as well the
-- number of the user's last change, which every later statement of the call has seen, and that of the log's baseline.
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
    select id, time_zone, signed_out_at, last_change, log_baseline into person from public.users where id = caller_id;
  else
    select id, time_zone, signed_out_at, last_change, log_baseline into person
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
  perform set_config('app.sees_deleted', case when (call ->> 'sees_deleted')::boolean then 'on' else '' end, true);
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
  return jsonb_build_object(
    'now', clock_timestamp(), 'time_zone', person.time_zone,
    'last_change', person.last_change, 'log_baseline', person.log_baseline
  );
end
$$;

-- As before; the number is taken where the change is logged.
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

-- The release before must not see what is deleted, also after a rollback: it knows no deleted task.
create policy tasks_not_deleted on tasks as restrictive to task_worker
  using (deleted_at is null or (select current_setting('app.sees_deleted', true)) = 'on')
  with check (true);

alter table changes enable row level security;
alter table task_changes enable row level security;
create policy changes_own on changes to task_worker using (user_id = (select current_user_id()));
create policy task_changes_own on task_changes to task_worker using (user_id = (select current_user_id()));

grant select on changes to task_worker;
grant select on task_changes to task_worker;
grant select (log_baseline) on users to task_worker;
revoke execute on function change_number(integer) from public;
revoke execute on function logged_columns(jsonb) from public;
revoke execute on function is_logged(jsonb, jsonb) from public;
revoke execute on function number_task_change() from public;
revoke execute on function log_task_change(jsonb, jsonb) from public;
revoke execute on function delete_log() from public;
