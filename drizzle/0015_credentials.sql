-- expand
-- Four kinds of credential. What a personal token and an OAuth grant may do, and that they count, is a row; deleting the row
-- cuts them off at the next call everywhere, as set_caller looks it up in the call's own request.

-- Tokens that a person makes for what acts for them. Nothing here can be used: a token carries its own HMAC. "scopes" is
-- null where it may do everything. "last_used_at" and "last_client" are written every five minutes at most.
create table personal_tokens (
  user_id integer not null references users on delete cascade,
  id uuid not null,
  name text not null,
  scopes text[],
  created_at timestamptz(3) not null default now(),
  expires_at timestamptz(3),
  last_used_at timestamptz(3),
  last_client text,
  primary key (user_id, id),
  constraint personal_tokens_name_length check (char_length(name) between 1 and 100),
  constraint personal_tokens_scopes check (cardinality(scopes) between 1 and 20),
  constraint personal_tokens_last_client_length check (char_length(last_client) <= 100)
);

-- What a person has allowed an OAuth client. "client_host" is the host that vouches for the client's name, null where none
-- does; "redirect_host" is where the answer went. "record" is the OAuth library's own of the grant, which the worker's role
-- may not select: its functions come with the authorization server.
create table oauth_grants (
  user_id integer not null references users on delete cascade,
  id text not null,
  client_id text not null,
  client_name text not null,
  client_host text,
  redirect_host text,
  scopes text[] not null,
  record jsonb,
  created_at timestamptz(3) not null default now(),
  expires_at timestamptz(3),
  last_used_at timestamptz(3),
  last_client text,
  primary key (user_id, id),
  constraint oauth_grants_id_length check (char_length(id) between 1 and 200),
  constraint oauth_grants_client_id_length check (char_length(client_id) between 1 and 2000),
  constraint oauth_grants_client_name_length check (char_length(client_name) <= 200),
  constraint oauth_grants_client_host_length check (char_length(client_host) <= 300),
  constraint oauth_grants_redirect_host_length check (char_length(redirect_host) <= 300),
  constraint oauth_grants_scopes check (cardinality(scopes) <= 20),
  constraint oauth_grants_last_client_length check (char_length(last_client) <= 100)
);

-- Whose account a user of another site is. An e-mail never joins the two.
create table site_identities (
  issuer text not null,
  subject text not null,
  user_id integer not null references users on delete cascade,
  created_at timestamptz(3) not null default now(),
  primary key (issuer, subject),
  constraint site_identities_issuer_length check (char_length(issuer) between 1 and 300),
  constraint site_identities_subject_length check (char_length(subject) between 1 and 300)
);

create index site_identities_user_id_idx on site_identities (user_id);

create function limit_personal_tokens() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  most_tokens constant integer := 100;
begin
  if exists (
    select from (select distinct user_id from made) as maker
    where (select count(*) from public.personal_tokens as own where own.user_id = maker.user_id) > most_tokens
  ) then
    perform public.raise_limit('personal_tokens', most_tokens);
  end if;
  return null;
end
$$;

create trigger personal_tokens_limit after insert on personal_tokens
  referencing new table as made for each statement execute function limit_personal_tokens();

-- Whether a user's credential still counts, as set_caller is told of it. One of a kind that is not known here does not.
create function credential_counts(caller_id integer, credential jsonb, signed_out_at timestamptz) returns boolean
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  case credential ->> 'kind'
    when 'sign_in', 'site' then
      return (signed_out_at is null or signed_out_at < (credential ->> 'issued_at')::timestamptz)
        and not exists (select from public.revoked_tokens where token_id = (credential ->> 'id')::uuid)
        and (credential ->> 'kind' = 'sign_in' or exists (
          select from public.site_identities
          where issuer = credential ->> 'issuer' and subject = credential ->> 'subject' and user_id = caller_id
        ));
    when 'personal' then
      return exists (
        select from public.personal_tokens
        where user_id = caller_id and id = (credential ->> 'id')::uuid
          and (expires_at is null or expires_at > clock_timestamp())
      );
    when 'oauth' then
      return exists (
        select from public.oauth_grants
        where user_id = caller_id and id = credential ->> 'id'
          and (expires_at is null or expires_at > clock_timestamp())
      );
    else
      return false;
  end case;
end
$$;

-- Notes that a credential is used, and by which client, unless that was done in the last five minutes. It waits for no other
-- call that does so.
create function note_use(caller_id integer, credential jsonb, client text) returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  case credential ->> 'kind'
    when 'personal' then
      update public.personal_tokens as used
      set last_used_at = clock_timestamp(), last_client = coalesce(left(client, 100), used.last_client)
      where (used.user_id, used.id) = (
        select stale.user_id, stale.id from public.personal_tokens as stale
        where stale.user_id = caller_id and stale.id = (credential ->> 'id')::uuid
          and (stale.last_used_at is null or stale.last_used_at < clock_timestamp() - interval '5 minutes')
        for no key update skip locked
      );
    when 'oauth' then
      update public.oauth_grants as used
      set last_used_at = clock_timestamp(), last_client = coalesce(left(client, 100), used.last_client)
      where (used.user_id, used.id) = (
        select stale.user_id, stale.id from public.oauth_grants as stale
        where stale.user_id = caller_id and stale.id = credential ->> 'id'
          and (stale.last_used_at is null or stale.last_used_at < clock_timestamp() - interval '5 minutes')
        for no key update skip locked
      );
    else
      null;
  end case;
end
$$;

-- As before, and judges every kind of credential:
--   {"user_id", "credential": {"kind": "sign_in" | "personal" | "oauth" | "site", "id", "issued_at", and of a site "issuer" and
--    "subject"}, "origin": {"via", "client", "request_id"}, "deadline", "write": {"key", "tool", "input_hash", "is_kept"}}
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

-- Whose account a user of another site is; one who comes for the first time gets an account. It has no password, and an
-- e-mail that can receive nothing (RFC 6761 section 6.4): the site's own for them may be another person's here.
create function sign_in_from_site(
  site_issuer text, site_subject text, new_name text, new_time_zone text, deadline timestamptz
)
returns integer
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  found_id integer;
begin
  select user_id into found_id from public.site_identities where issuer = site_issuer and subject = site_subject;
  if found then
    return found_id;
  end if;
  perform now() at time zone new_time_zone;
  begin
    insert into public.users (email, name, time_zone, password_hash)
    values (
      gen_random_uuid() || '@site.invalid', new_name, new_time_zone,
      -- In the form of a hash, of what nobody knows.
      '$scrypt$ln=14,r=8,p=5$' || rtrim(encode(uuid_send(gen_random_uuid()), 'base64'), '=')
        || '$' || rtrim(encode(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()), 'base64'), '=')
    )
    returning id into found_id;
    insert into public.site_identities (issuer, subject, user_id) values (site_issuer, site_subject, found_id);
  exception
    -- By another request of theirs at the same time.
    when unique_violation then
      select user_id into strict found_id
      from public.site_identities where issuer = site_issuer and subject = site_subject;
  end;
  perform public.require_time_left(deadline);
  return found_id;
end
$$;

alter table personal_tokens enable row level security;
alter table oauth_grants enable row level security;
alter table site_identities enable row level security;

create policy personal_tokens_own on personal_tokens to task_worker
  using (user_id = (select current_user_id()))
  with check (user_id = (select current_user_id()));
create policy oauth_grants_own on oauth_grants to task_worker
  using (user_id = (select current_user_id()))
  with check (user_id = (select current_user_id()));
create policy site_identities_own on site_identities to task_worker
  using (user_id = (select current_user_id()));

grant select, insert, delete on personal_tokens to task_worker;
grant select (
  user_id, id, client_id, client_name, client_host, redirect_host, scopes, created_at, expires_at, last_used_at, last_client
) on oauth_grants to task_worker;
grant delete on oauth_grants to task_worker;
grant select on site_identities to task_worker;

revoke execute on function limit_personal_tokens() from public;
revoke execute on function credential_counts(integer, jsonb, timestamptz) from public;
revoke execute on function note_use(integer, jsonb, text) from public;
revoke execute on function sign_in_from_site(text, text, text, text, timestamptz) from public;
grant execute on function sign_in_from_site(text, text, text, text, timestamptz) to task_worker;
