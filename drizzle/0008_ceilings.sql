-- expand
-- Nobody has without end: ceilings on what one person may have, and on what an address, or all accounts together, may use
-- in a day. TS003 is raised where one is reached, with its name as the constraint and its height as the detail.

-- Held until the end: the release before inserts while this runs.
lock table tasks in share row exclusive mode;

alter table users add column task_count integer not null default 0;

update users set task_count = counted.tasks
from (select user_id, count(*) as tasks from tasks group by user_id) as counted
where counted.user_id = users.id;

create function raise_limit(limit_name text, maximum bigint) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  raise exception 'a limit is reached' using errcode = 'TS003', constraint = limit_name, detail = maximum::text;
end
$$;

-- As before, and counts: of 100,000 tasks, counting them would take longer than all else that a call does.
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

create function count_deleted_tasks() returns trigger
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

create trigger tasks_count_deleted after delete on tasks
  referencing old table as deleted for each statement execute function count_deleted_tasks();

-- After, and not before: a conversation that is there already is no new one (on conflict do nothing).
create function limit_conversations() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  most_conversations constant integer := 10000;
begin
  if exists (
    select from (select distinct user_id from made) as maker
    where (select count(*) from public.conversations as own where own.user_id = maker.user_id) > most_conversations
  ) then
    perform public.raise_limit('conversations', most_conversations);
  end if;
  return null;
end
$$;

create trigger conversations_limit after insert on conversations
  referencing new table as made for each statement execute function limit_conversations();

-- The sessions of the 2025 MCP protocols that a person has opened, by the id of their Durable Object. "used_at" is when a
-- session was used last, as far as it has been asked: that is only done where no more may be opened.
create table mcp_sessions (
  user_id integer not null references users on delete cascade,
  object_id text not null,
  used_at timestamptz(3) not null default now(),
  primary key (user_id, object_id),
  constraint mcp_sessions_object_id check (object_id ~ '^[0-9a-f]{64}$')
);

-- What was used on a day (UTC): "kind" is sign_ups or chat_tokens of an address, whose subject is a keyed hash of the address
-- and the day, or total_chat_tokens of all accounts, in 16 parts so that their turns do not wait for each other.
create table daily_counts (
  day date not null,
  kind text not null,
  subject text not null,
  amount bigint not null,
  primary key (day, kind, subject),
  constraint daily_counts_kind check (kind in ('sign_ups', 'chat_tokens', 'total_chat_tokens')),
  constraint daily_counts_subject_length check (char_length(subject) between 1 and 100)
);

-- Adds to what was used today. Returns what it has come to.
create function count_today(counted_kind text, counted_subject text, added bigint) returns bigint
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  counted bigint;
begin
  insert into public.daily_counts (day, kind, subject, amount)
  values (public.utc_today(), counted_kind, counted_subject, added)
  on conflict (day, kind, subject) do update set amount = daily_counts.amount + excluded.amount
  returning amount into counted;
  -- The days before yesterday are of no more use.
  delete from public.daily_counts as old where (old.day, old.kind, old.subject) in (
    select day, kind, subject from public.daily_counts
    where day < public.utc_today() - 1
    limit 20 for update skip locked
  );
  return counted;
end
$$;

-- As the one before it, for one of the accounts that an address may make in a day. It raises TS003 where those are made.
create function sign_up(
  new_email text, new_name text, new_time_zone text, new_password_hash text, new_sign_up_key uuid, deadline timestamptz,
  address text, address_maximum integer
)
returns table (id integer, email text, name text, time_zone text)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  -- Made by an attempt whose answer was lost, it is counted already.
  if not exists (
    select from public.users as u where lower(u.email) = lower(new_email) and u.sign_up_key = new_sign_up_key
  ) and public.count_today('sign_ups', address, 1) > address_maximum then
    perform public.raise_limit('sign_ups', address_maximum);
  end if;
  return query
    select made.id, made.email, made.name, made.time_zone
    from public.sign_up(new_email, new_name, new_time_zone, new_password_hash, new_sign_up_key, deadline) as made;
end
$$;

-- The name of the budget of tokens that is used up today, of "user_tokens", "address_tokens" and "total_tokens"; null where
-- none is. Where it is required that none is, this raises TS003 instead, which undoes the request it is part of.
create function check_chat_tokens(address text, budgets jsonb, is_required boolean) returns text
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  spent text;
begin
  spent := case
    when exists (
      select from public.token_usage
      where user_id = public.current_user_id() and day = public.utc_today()
        and tokens >= (budgets ->> 'user_tokens')::bigint
    ) then 'user_tokens'
    when exists (
      select from public.daily_counts
      where day = public.utc_today() and kind = 'chat_tokens' and subject = address
        and amount >= (budgets ->> 'address_tokens')::bigint
    ) then 'address_tokens'
    when (
      select sum(amount) from public.daily_counts where day = public.utc_today() and kind = 'total_chat_tokens'
    ) >= (budgets ->> 'total_tokens')::bigint then 'total_tokens'
  end;
  if is_required and spent is not null then
    perform public.raise_limit(spent, (budgets ->> spent)::bigint);
  end if;
  return spent;
end
$$;

-- Counts the tokens of a turn: of the user of this transaction, of the address that asked for it, and of all accounts.
create function count_chat_tokens(address text, used bigint) returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  caller_id constant integer := public.current_user_id();
begin
  if used <= 0 then
    return;
  end if;
  insert into public.token_usage (user_id, day, tokens) values (caller_id, public.utc_today(), used)
  on conflict (user_id, day) do update set tokens = token_usage.tokens + excluded.tokens;
  perform public.count_today('total_chat_tokens', (caller_id % 16)::text, used);
  if address is not null then
    perform public.count_today('chat_tokens', address, used);
  end if;
end
$$;

alter table mcp_sessions enable row level security;
alter table daily_counts enable row level security;

create policy mcp_sessions_own on mcp_sessions to task_worker
  using (user_id = (select current_user_id()))
  with check (user_id = (select current_user_id()));

grant select, insert, update, delete on mcp_sessions to task_worker;
grant select (task_count) on users to task_worker;

revoke execute on function raise_limit(text, bigint) from public;
revoke execute on function count_deleted_tasks() from public;
revoke execute on function limit_conversations() from public;
revoke execute on function count_today(text, text, bigint) from public;
revoke execute on function sign_up(text, text, text, text, uuid, timestamptz, text, integer) from public;
revoke execute on function check_chat_tokens(text, jsonb, boolean) from public;
revoke execute on function count_chat_tokens(text, bigint) from public;
grant execute on function sign_up(text, text, text, text, uuid, timestamptz, text, integer) to task_worker;
grant execute on function check_chat_tokens(text, jsonb, boolean) to task_worker;
grant execute on function count_chat_tokens(text, bigint) to task_worker;
