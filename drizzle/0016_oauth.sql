-- expand
-- What OAuth needs kept in one place where a change is seen at once: who may still refresh, and what may be used once.
-- Only the functions below read and write it. They know no caller, as a client refreshes without one: each asks for the
-- SHA-256, in hex, of the secret that the client has presented, and knows nothing without it.

-- The refresh tokens of a grant. Each use of one makes a successor. It goes on counting until one of its successors is used,
-- and ten minutes more: an answer may be lost, and two may refresh at once, so that a token may have several successors,
-- which all count. "superseded_at" is when the first of them was used. "wrapped_key" is of the OAuth library.
create table oauth_refresh_tokens (
  user_id integer not null,
  grant_id text not null,
  hash text not null,
  wrapped_key text not null,
  parent_hash text,
  created_at timestamptz(3) not null default now(),
  superseded_at timestamptz(3),
  primary key (user_id, grant_id, hash),
  foreign key (user_id, grant_id) references oauth_grants (user_id, id) on delete cascade,
  constraint oauth_refresh_tokens_hash_length check (char_length(hash) <= 100),
  constraint oauth_refresh_tokens_wrapped_key_length check (char_length(wrapped_key) <= 1000)
);

-- What may be used once, by a name that only who may use it can know. "taken_by" is the use: the same one may be repeated,
-- as its answer may be lost.
create table single_uses (
  name text primary key,
  value text not null,
  expires_at timestamptz(3) not null,
  taken_by uuid,
  constraint single_uses_name_length check (char_length(name) between 1 and 200),
  constraint single_uses_value_length check (char_length(value) <= 50000)
);

create index single_uses_expires_at_idx on single_uses (expires_at);

-- Keeps what a person has allowed a client until the client has exchanged its code, for so many seconds. Returns false where
-- the person has signed out everywhere, or their account was deleted, since they signed in to allow it. Of more than 200
-- grants of one person those go that were used least lately.
create function keep_oauth_grant(
  new_user_id integer, new_id text, new_record jsonb, new_client_id text, new_client_name text, new_client_host text,
  new_redirect_host text, new_scopes text[], lifetime integer, signed_in_at timestamptz, deadline timestamptz
)
returns boolean
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  most_grants constant integer := 200;
begin
  perform from public.users
  where id = new_user_id and (signed_out_at is null or signed_out_at < signed_in_at)
  for no key update;
  if not found then
    return false;
  end if;
  delete from public.oauth_grants where user_id = new_user_id and expires_at <= clock_timestamp();
  delete from public.oauth_grants as old
  where old.user_id = new_user_id and old.id in (
    select id from public.oauth_grants
    where user_id = new_user_id and id <> new_id
    order by coalesce(last_used_at, created_at) desc offset most_grants - 1
  );
  insert into public.oauth_grants (
    user_id, id, client_id, client_name, client_host, redirect_host, scopes, record, expires_at
  )
  values (
    new_user_id, new_id, new_client_id, new_client_name, new_client_host, new_redirect_host, new_scopes, new_record,
    clock_timestamp() + make_interval(secs => lifetime)
  )
  on conflict (user_id, id) do nothing;
  perform public.require_time_left(deadline);
  return true;
end
$$;

-- The grant that a code, or a refresh token that counts, is of. "wrapped_key" is the refresh token's, null for a code.
create function find_oauth_grant(wanted_user_id integer, wanted_id text, presented_hash text)
returns table (record jsonb, wrapped_key text)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
  select found.record, token.wrapped_key
  from public.oauth_grants as found
  left join public.oauth_refresh_tokens as token
    on token.user_id = found.user_id and token.grant_id = found.id and token.hash = presented_hash
      and (token.superseded_at is null or token.superseded_at > clock_timestamp() - interval '10 minutes')
  where found.user_id = wanted_user_id and found.id = wanted_id
    and (found.expires_at is null or found.expires_at > clock_timestamp())
    and (token.hash is not null or found.record ->> 'authCodeId' = presented_hash)
$$;

-- Exchanges a code for the first refresh token of its grant. A code is exchanged once: false where another request has done
-- it. A repeat of the same one is known by its token.
create function exchange_oauth_code(
  wanted_user_id integer, wanted_id text, code_hash text, new_record jsonb, new_hash text, new_wrapped_key text,
  new_expires_at timestamptz, deadline timestamptz
)
returns boolean
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  update public.oauth_grants
  set record = new_record, expires_at = new_expires_at
  where user_id = wanted_user_id and id = wanted_id and record ->> 'authCodeId' = code_hash
    and (expires_at is null or expires_at > clock_timestamp());
  if not found then
    return exists (
      select from public.oauth_refresh_tokens
      where user_id = wanted_user_id and grant_id = wanted_id and hash = new_hash
    );
  end if;
  insert into public.oauth_refresh_tokens (user_id, grant_id, hash, wrapped_key)
  values (wanted_user_id, wanted_id, new_hash, new_wrapped_key);
  perform public.require_time_left(deadline);
  return true;
end
$$;

-- Makes a successor of a refresh token that counts, and takes it that the token is used: the one that it succeeds counts for
-- ten minutes more. False where the token does not count, or its grant is gone. A repeat is known by the new token. What
-- counts no more goes; of more than 10 successors of one token, and of more than 200 tokens of one grant, those go that were
-- made first, as a client may come with the same token for ever.
create function refresh_oauth_grant(
  wanted_user_id integer, wanted_id text, used_hash text, new_hash text, new_wrapped_key text,
  new_expires_at timestamptz, deadline timestamptz
)
returns boolean
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  most_successors constant integer := 10;
  most_tokens constant integer := 200;
  used record;
begin
  -- One refresh of a grant comes after the other.
  perform from public.oauth_grants
  where user_id = wanted_user_id and id = wanted_id and (expires_at is null or expires_at > clock_timestamp())
  for no key update;
  if not found then
    return false;
  end if;
  if exists (
    select from public.oauth_refresh_tokens
    where user_id = wanted_user_id and grant_id = wanted_id and hash = new_hash
  ) then
    return true;
  end if;
  delete from public.oauth_refresh_tokens
  where user_id = wanted_user_id and grant_id = wanted_id
    and superseded_at <= clock_timestamp() - interval '10 minutes';
  select parent_hash into used from public.oauth_refresh_tokens
  where user_id = wanted_user_id and grant_id = wanted_id and hash = used_hash;
  if not found then
    return false;
  end if;
  update public.oauth_refresh_tokens set superseded_at = clock_timestamp()
  where user_id = wanted_user_id and grant_id = wanted_id and hash = used.parent_hash and superseded_at is null;
  delete from public.oauth_refresh_tokens
  where user_id = wanted_user_id and grant_id = wanted_id and hash in (
    (
      select sibling.hash from public.oauth_refresh_tokens as sibling
      where sibling.user_id = wanted_user_id and sibling.grant_id = wanted_id and sibling.parent_hash = used_hash
      order by sibling.created_at desc, sibling.hash offset most_successors - 1
    )
    union all
    (
      select other.hash from public.oauth_refresh_tokens as other
      where other.user_id = wanted_user_id and other.grant_id = wanted_id and other.hash <> used_hash
      order by other.created_at desc, other.hash offset most_tokens - 2
    )
  );
  insert into public.oauth_refresh_tokens (user_id, grant_id, hash, wrapped_key, parent_hash)
  values (wanted_user_id, wanted_id, new_hash, new_wrapped_key, used_hash);
  update public.oauth_grants
  set expires_at = new_expires_at,
    record = record || jsonb_build_object('expiresAt', floor(extract(epoch from new_expires_at))::bigint)
  where user_id = wanted_user_id and id = wanted_id;
  perform public.require_time_left(deadline);
  return true;
end
$$;

-- Ends the grant that a refresh token which counts is of.
create function end_oauth_grant(wanted_user_id integer, wanted_id text, presented_hash text) returns void
language sql security definer
set search_path = pg_catalog, pg_temp
as $$
  delete from public.oauth_grants as ended
  where ended.user_id = wanted_user_id and ended.id = wanted_id and exists (
    select from public.oauth_refresh_tokens as token
    where token.user_id = ended.user_id and token.grant_id = ended.id and token.hash = presented_hash
      and (token.superseded_at is null or token.superseded_at > clock_timestamp() - interval '10 minutes')
  )
$$;

-- Keeps what may be used once, for so many seconds; false where the name is taken, by another value. Some of what has
-- expired goes with it.
create function keep_single_use(new_name text, new_value text, lifetime integer, deadline timestamptz) returns boolean
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  delete from public.single_uses as expired
  where expired.name in (
    select old.name from public.single_uses as old
    where old.expires_at <= clock_timestamp() order by old.expires_at limit 20 for update skip locked
  );
  insert into public.single_uses (name, value, expires_at)
  values (new_name, new_value, clock_timestamp() + make_interval(secs => lifetime))
  on conflict (name) do nothing;
  perform public.require_time_left(deadline);
  return exists (select from public.single_uses where name = new_name and value = new_value);
end
$$;

-- What may still be used; null where it was, has expired or never was there.
create function find_single_use(wanted_name text) returns text
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
  select value from public.single_uses
  where name = wanted_name and taken_by is null and expires_at > clock_timestamp()
$$;

-- Uses it; false where another use has.
create function take_single_use(wanted_name text, taker uuid) returns boolean
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  update public.single_uses set taken_by = taker
  where name = wanted_name and expires_at > clock_timestamp() and (taken_by is null or taken_by = taker);
  return found;
end
$$;

alter table oauth_refresh_tokens enable row level security;
alter table single_uses enable row level security;

revoke execute on function keep_oauth_grant(integer, text, jsonb, text, text, text, text, text[], integer, timestamptz, timestamptz) from public;
revoke execute on function find_oauth_grant(integer, text, text) from public;
revoke execute on function exchange_oauth_code(integer, text, text, jsonb, text, text, timestamptz, timestamptz) from public;
revoke execute on function refresh_oauth_grant(integer, text, text, text, text, timestamptz, timestamptz) from public;
revoke execute on function end_oauth_grant(integer, text, text) from public;
revoke execute on function keep_single_use(text, text, integer, timestamptz) from public;
revoke execute on function find_single_use(text) from public;
revoke execute on function take_single_use(text, uuid) from public;
grant execute on function keep_oauth_grant(integer, text, jsonb, text, text, text, text, text[], integer, timestamptz, timestamptz) to task_worker;
grant execute on function find_oauth_grant(integer, text, text) to task_worker;
grant execute on function exchange_oauth_code(integer, text, text, jsonb, text, text, timestamptz, timestamptz) to task_worker;
grant execute on function refresh_oauth_grant(integer, text, text, text, text, timestamptz, timestamptz) to task_worker;
grant execute on function end_oauth_grant(integer, text, text) to task_worker;
grant execute on function keep_single_use(text, text, integer, timestamptz) to task_worker;
grant execute on function find_single_use(text) to task_worker;
grant execute on function take_single_use(text, uuid) to task_worker;
