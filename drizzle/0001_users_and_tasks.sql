-- Roles belong to the whole cluster, so another database may have made this one already.
-- It cannot log in until `npm run db:migrate` gives it a password.
do $$
begin
  create role task_worker nologin nosuperuser nocreatedb nocreaterole nobypassrls;
exception
  when duplicate_object or unique_violation then null;
end
$$;

-- Only where it is not so already: the owner of a second database of the cluster need not be allowed to alter it.
do $$
begin
  if not exists (
    select from pg_db_role_setting
    where setrole = 'task_worker'::regrole and setdatabase = 0
      and setconfig @> array['statement_timeout=10s', 'idle_in_transaction_session_timeout=10s']
  ) then
    alter role task_worker set statement_timeout = '10s';
    alter role task_worker set idle_in_transaction_session_timeout = '10s';
  end if;
end
$$;

revoke create on schema public from public;
grant usage on schema public to task_worker;
grant select on schema_migrations to task_worker;

create table users (
  id integer generated always as identity primary key,
  email text not null,
  name text not null,
  time_zone text not null default 'UTC',
  password_hash text not null,
  signed_out_at timestamptz(3),
  created_at timestamptz(3) not null default now(),
  updated_at timestamptz(3) not null default now(),
  constraint users_email_length check (char_length(email) between 3 and 254),
  constraint users_email_trimmed check (email = btrim(email)),
  constraint users_name_length check (char_length(name) between 1 and 100)
);

create unique index users_email_key on users (lower(email));

-- RFC 7519 "jti" of every token signed out before it expired.
create table revoked_tokens (
  token_id uuid primary key,
  user_id integer not null references users on delete cascade,
  expires_at timestamptz(3) not null
);

create index revoked_tokens_user_id_expires_at_idx on revoked_tokens (user_id, expires_at);

create function tags_are_valid(tags text[]) returns boolean
language sql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
  select cardinality(tags) <= 20
    and array_position(tags, null) is null
    and not exists (
      select from unnest(tags) as tag
      where char_length(tag) not between 1 and 50 or tag <> btrim(tag)
    )
$$;

create table tasks (
  id integer generated always as identity primary key,
  user_id integer not null references users on delete cascade,
  title text not null,
  description text not null default '',
  status text not null default 'pending',
  priority text not null default 'none',
  due_date date,
  due_at timestamptz(3),
  tags text[] not null default '{}',
  idempotency_key text,
  version integer not null default 1,
  created_at timestamptz(3) not null default now(),
  updated_at timestamptz(3) not null default now(),
  completed_at timestamptz(3),
  constraint tasks_title_length check (char_length(title) between 1 and 200),
  constraint tasks_title_trimmed check (title = btrim(title)),
  constraint tasks_description_length check (char_length(description) <= 10000),
  constraint tasks_status check (status in ('pending', 'in_progress', 'completed', 'cancelled')),
  constraint tasks_priority check (priority in ('none', 'low', 'medium', 'high', 'urgent')),
  -- RFC 5545 section 3.8.2.3: DUE is either a DATE or a DATE-TIME.
  constraint tasks_due_date_or_due_at check (due_date is null or due_at is null),
  constraint tasks_tags check (tags_are_valid(tags)),
  constraint tasks_idempotency_key_length check (char_length(idempotency_key) between 1 and 100),
  constraint tasks_version check (version >= 1),
  constraint tasks_completed_at check ((status = 'completed') = (completed_at is not null))
);

create index tasks_user_id_status_idx on tasks (user_id, status);
create index tasks_user_id_updated_at_idx on tasks (user_id, updated_at desc, id desc);
create unique index tasks_user_id_idempotency_key_key on tasks (user_id, idempotency_key)
  where idempotency_key is not null;

-- The user of this transaction, or null. After a transaction the setting is '' and not null.
create function current_user_id() returns integer
language sql stable parallel safe
set search_path = pg_catalog, pg_temp
as $$
  select nullif(current_setting('app.user_id', true), '')::integer
$$;

-- Sets the user of this transaction, and his time zone, after making sure that the token still counts.
-- Raises 28000 (invalid_authorization_specification) when it does not.
create function set_caller(caller_id integer, caller_token_id uuid, token_issued_at timestamptz)
returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  caller_time_zone text;
begin
  select time_zone into caller_time_zone
  from public.users
  where id = caller_id
    and (signed_out_at is null or signed_out_at < token_issued_at)
    and not exists (select from public.revoked_tokens where token_id = caller_token_id);
  if not found then
    raise exception 'the token has been signed out' using errcode = '28000';
  end if;
  perform set_config('app.user_id', caller_id::text, true);
  perform set_config('app.time_zone', caller_time_zone, true);
end
$$;

-- Raises 23505 (unique_violation) for an e-mail that is taken, 22023 (invalid_parameter_value) for an
-- unknown time zone.
create function sign_up(new_email text, new_name text, new_time_zone text, new_password_hash text)
returns table (id integer, email text, name text, time_zone text)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform now() at time zone new_time_zone;
  return query
    insert into public.users as u (email, name, time_zone, password_hash)
    values (new_email, new_name, new_time_zone, new_password_hash)
    returning u.id, u.email, u.name, u.time_zone;
end
$$;

create function find_credentials(wanted_email text)
returns table (id integer, email text, name text, time_zone text, password_hash text)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
  select u.id, u.email, u.name, u.time_zone, u.password_hash
  from public.users as u
  where lower(u.email) = lower(wanted_email)
$$;

alter table users enable row level security;
alter table revoked_tokens enable row level security;
alter table tasks enable row level security;

create policy users_own on users to task_worker
  using (id = (select current_user_id()))
  with check (id = (select current_user_id()));
create policy revoked_tokens_own on revoked_tokens to task_worker
  using (user_id = (select current_user_id()))
  with check (user_id = (select current_user_id()));
create policy tasks_own on tasks to task_worker
  using (user_id = (select current_user_id()))
  with check (user_id = (select current_user_id()));

grant select (id, email, name, time_zone, signed_out_at, created_at, updated_at) on users to task_worker;
grant update (name, time_zone, signed_out_at, updated_at) on users to task_worker;
grant select, insert, delete on revoked_tokens to task_worker;
grant select, insert, update, delete on tasks to task_worker;

revoke execute on function set_caller(integer, uuid, timestamptz) from public;
revoke execute on function sign_up(text, text, text, text) from public;
revoke execute on function find_credentials(text) from public;
grant execute on function set_caller(integer, uuid, timestamptz) to task_worker;
grant execute on function sign_up(text, text, text, text) to task_worker;
grant execute on function find_credentials(text) to task_worker;
