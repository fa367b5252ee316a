-- expand
-- A call says who makes it, how and until when, in one statement that comes first: set_caller(jsonb). One that writes
-- locks its user's row, so that the calls of one user that write come one after the other: ids and change numbers have no
-- race, and no two of them deadlock. It ends with end_call(), which keeps its key.

-- Held until the end: the release before inserts while this runs.
lock table tasks in share row exclusive mode;

alter table users
  add column last_task_id integer not null default 0,
  add column last_change bigint not null default 0,
  add column sign_up_key uuid;

update users set last_task_id = numbered.last_id
from (select user_id, max(id) as last_id from tasks group by user_id) as numbered
where numbered.user_id = users.id;

-- Tasks are numbered for each user; those that are there keep their ids. For the release before too: what it gets from
-- the sequence gives way to the user's next number.
create function assign_task_id() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  update public.users set last_task_id = last_task_id + 1 where id = new.user_id returning last_task_id into new.id;
  if not found then
    raise exception 'there is no user %', new.user_id using errcode = 'foreign_key_violation';
  end if;
  return new;
end
$$;

create trigger tasks_assign_id before insert on tasks for each row execute function assign_task_id();

-- What a call that wrote has come to, for 24 hours: a repeat of the call, by the caller or by the server itself, finds it
-- and does nothing. "key" is the caller's (caller:…) or the server's own (server:…), "input_hash" the SHA-256 of the
-- input in hex, null where the release before made the task. "change" is the user's number of the change, null where no
-- task changed; "outcome" lists what happened to which task: {"operation", "completed", "task"}.
create table idempotency_keys (
  user_id integer not null references users on delete cascade,
  key text not null,
  tool text not null,
  input_hash text,
  change bigint,
  outcome jsonb not null default '[]',
  created_at timestamptz(3) not null default now(),
  primary key (user_id, key),
  constraint idempotency_keys_key_length check (char_length(key) between 1 and 200),
  constraint idempotency_keys_outcome check (jsonb_typeof(outcome) = 'array')
);

create index idempotency_keys_user_id_created_at_idx on idempotency_keys (user_id, created_at);

insert into idempotency_keys (user_id, key, tool, outcome, created_at)
select
  user_id, 'caller:' || idempotency_key, 'create_task',
  jsonb_build_array(jsonb_build_object(
    'operation', 'insert', 'completed', status = 'completed', 'task', to_jsonb(tasks) - 'user_id' - 'idempotency_key'
  )),
  created_at
from tasks
where idempotency_key is not null and created_at > now() - interval '24 hours';

-- Gathers what a call does to tasks, for end_call. A task that the release before makes with a key is kept by it here.
create function gather_task_changes() returns trigger
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
          'task', to_jsonb(changed) - 'user_id' - 'idempotency_key'
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
        'task', to_jsonb(changed) - 'user_id' - 'idempotency_key'
      ) order by changed.id
    ) into gathered
    from changed join before using (user_id, id);
  else
    select jsonb_agg(
      jsonb_build_object(
        'operation', lower(tg_op),
        'completed', tg_op = 'INSERT' and status = 'completed',
        'task', to_jsonb(changed) - 'user_id' - 'idempotency_key'
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

create trigger tasks_gather_inserted after insert on tasks
  referencing new table as changed for each statement execute function gather_task_changes();
create trigger tasks_gather_updated after update on tasks
  referencing old table as before new table as changed for each statement execute function gather_task_changes();
create trigger tasks_gather_deleted after delete on tasks
  referencing old table as changed for each statement execute function gather_task_changes();

-- Raises TS001 where the time is over. The user's row is locked and the key looked up before this is asked, so that then
-- nothing has been done under the key, and nothing can be any more.
create function require_time_left(deadline timestamptz) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if clock_timestamp() >= deadline then
    raise exception 'the time of this call is over' using errcode = 'TS001';
  end if;
end
$$;

-- Says whose rows the statements after it see, after making sure that the credential still counts.
--   {"user_id", "credential": {"kind": "sign_in", "id", "issued_at"}, "origin": {"via", "client", "request_id"},
--    "deadline", "write": {"key", "tool", "input_hash", "is_kept"}}
-- "deadline" is in this server's time. "write" is absent where the call only reads; "is_kept" keeps its key also where it
-- changes no task. What else it holds is passed over.
-- Returns {"now", "time_zone"}. Raises 28000 for a credential that no longer counts, TS001 (see above), TS002 where a
-- call with this key has been carried out.
create function set_caller(call jsonb) returns jsonb
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
  counts := person.id is not null
    and credential ->> 'kind' = 'sign_in'
    and (person.signed_out_at is null or person.signed_out_at < (credential ->> 'issued_at')::timestamptz)
    and not exists (select from public.revoked_tokens where token_id = (credential ->> 'id')::uuid);
  -- With the server's own key, which nobody else knows, a call may itself have ended the credential.
  if write is not null and (counts or write ->> 'key' like 'server:%') and exists (
    select from public.idempotency_keys
    where user_id = caller_id and key = write ->> 'key' and created_at > now() - interval '24 hours'
  ) then
    raise exception 'this call has been carried out' using errcode = 'TS002';
  end if;
  if counts is not true then
    raise exception 'the token has been signed out' using errcode = '28000';
  end if;
  perform public.require_time_left(deadline);
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

-- The last statement of a call that writes: gives the change its number, keeps the key, and raises TS001 past the
-- deadline, which undoes it all: a transaction that waited behind a lock must not commit when its caller has been told
-- that it failed. Returns {"change", "outcome"}.
create function end_call() returns jsonb
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
    delete from public.idempotency_keys as expired
    where expired.user_id = caller_id and expired.key in (
      select old.key from public.idempotency_keys as old
      where old.user_id = caller_id and old.created_at <= now() - interval '24 hours'
      order by old.created_at limit 20
    );
    insert into public.idempotency_keys (user_id, key, tool, input_hash, change, outcome)
    values (caller_id, write ->> 'key', write ->> 'tool', write ->> 'input_hash', change, outcome)
    -- One that has expired.
    on conflict (user_id, key) do update
    set tool = excluded.tool, input_hash = excluded.input_hash, change = excluded.change, outcome = excluded.outcome,
      created_at = excluded.created_at;
  end if;
  perform public.require_time_left((call ->> 'deadline')::timestamptz);
  return jsonb_build_object('change', change, 'outcome', outcome);
end
$$;

-- As the one before it, and it may be repeated: the same key finds the account that it made. Raises TS001 as well.
create function sign_up(
  new_email text, new_name text, new_time_zone text, new_password_hash text, new_sign_up_key uuid, deadline timestamptz
)
returns table (id integer, email text, name text, time_zone text)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform now() at time zone new_time_zone;
  return query
    select u.id, u.email, u.name, u.time_zone from public.users as u
    where lower(u.email) = lower(new_email) and u.sign_up_key = new_sign_up_key;
  if found then
    return;
  end if;
  begin
    return query
      insert into public.users as u (email, name, time_zone, password_hash, sign_up_key)
      values (new_email, new_name, new_time_zone, new_password_hash, new_sign_up_key)
      returning u.id, u.email, u.name, u.time_zone;
  exception
    -- By the same call, which was still under way above, or by another.
    when unique_violation then
      return query
        select u.id, u.email, u.name, u.time_zone from public.users as u
        where lower(u.email) = lower(new_email) and u.sign_up_key = new_sign_up_key;
      if not found then
        raise;
      end if;
  end;
  perform public.require_time_left(deadline);
end
$$;

alter table idempotency_keys enable row level security;

create policy idempotency_keys_own on idempotency_keys to task_worker
  using (user_id = (select current_user_id()));

grant select on idempotency_keys to task_worker;
grant select (last_task_id, last_change) on users to task_worker;

revoke execute on function assign_task_id() from public;
revoke execute on function gather_task_changes() from public;
revoke execute on function set_caller(jsonb) from public;
revoke execute on function end_call() from public;
revoke execute on function sign_up(text, text, text, text, uuid, timestamptz) from public;
grant execute on function set_caller(jsonb) to task_worker;
grant execute on function end_call() to task_worker;
grant execute on function sign_up(text, text, text, text, uuid, timestamptz) to task_worker;

-- Last, because it shuts out reads too, for the moment that it takes: the index is there. After the way back the key is
-- this one already.
do $$
begin
  if exists (select from pg_constraint where conname = 'tasks_pkey') then
    create unique index tasks_user_id_id_key on tasks (user_id, id);
    alter table tasks
      drop constraint tasks_pkey, add constraint tasks_user_id_id_key primary key using index tasks_user_id_id_key;
  end if;
end
$$;
