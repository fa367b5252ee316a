-- expand
-- A stranger who asks for links takes none from a person; every refresh token that was given works; a consent that no client
-- has come for is no connected client; and no sign-in outlives the password that it was made with.

-- Whether its client has exchanged the code, and is connected. The worker's role may not select "record" itself.
alter table oauth_grants add column is_exchanged boolean not null generated always as (record ->> 'authCodeId' is null) stored;
grant select (is_exchanged) on oauth_grants to task_worker;

-- The latest moment since when a sign-in counts that was made with the password as it is. By the worker's clock, as
-- "signed_out_at" is.
alter table users add column latest_sign_in_at timestamptz(3);
grant select (latest_sign_in_at) on users to task_worker;

-- As before, but while a link of the person's that was made within the last ten minutes is not used, that one goes on and none
-- comes: so who asks for links all day keeps none from them, and fills no mailbox. What is counted is what "mailbox" names, by
-- this release what one address asks for of one e-mail.
create or replace function request_password_reset(wanted_email text, mailbox text, link_hash text, deadline timestamptz)
returns table (email text)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  person record;
begin
  perform public.count_mail(mailbox);
  select users.id, users.email into person
  from public.users where lower(users.email) = lower(wanted_email)
  -- Of two that ask at once the other sees the first one's link.
  for no key update;
  if found and not exists (
    select from public.account_links as young
    where young.user_id = person.id and young.kind = 'reset_password' and young.used_key is null
      and young.created_at > clock_timestamp() - interval '10 minutes' and young.hash <> link_hash
  ) then
    insert into public.account_links (hash, user_id, kind, expires_at)
    values (link_hash, person.id, 'reset_password', clock_timestamp() + interval '30 minutes')
    -- Made by an attempt whose answer was lost.
    on conflict (hash) do nothing;
    email := person.email;
    return next;
  end if;
  perform public.require_time_left(deadline);
end
$$;

-- As before, and takes no token from anybody who may still come with it: of one token's successors, and of a grant's tokens,
-- those that are too many go only once they are two hours old, as an access token lasts for one. Where none of 200 may go yet,
-- none is made: TS003, "refresh_tokens".
create or replace function refresh_oauth_grant(
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
  may_go_before constant timestamptz := clock_timestamp() - interval '2 hours';
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
  where user_id = wanted_user_id and grant_id = wanted_id and created_at < may_go_before and hash in (
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
  if (
    select count(*) from public.oauth_refresh_tokens where user_id = wanted_user_id and grant_id = wanted_id
  ) >= most_tokens then
    perform public.raise_limit('refresh_tokens', most_tokens);
  end if;
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

-- Since when a sign-in counts whose password was compared with "compared_hash"; null where the password is another by now. It
-- takes the user's row, as what changes the password does: either that one finds it here and ends it, or it finds the new
-- password. Asked since "asked_at", it is ended by what has ended sign-ins since; one that "outlasts" is not.
create function confirm_sign_in(
  person_id integer, compared_hash text, asked_at timestamptz, outlasts boolean, deadline timestamptz
)
returns timestamptz
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  since timestamptz;
begin
  select case when outlasts then greatest(asked_at, signed_out_at + interval '1 millisecond') else asked_at end into since
  from public.users where id = person_id and password_hash = compared_hash
  for no key update;
  update public.users set latest_sign_in_at = greatest(latest_sign_in_at, since) where id = person_id and since is not null;
  perform public.require_time_left(deadline);
  return since;
end
$$;

-- As before, and ends every sign-in that was confirmed, by whichever clock; a consent that no client has come for is not counted.
create or replace function end_sign_ins(person_id integer, ended_at timestamptz, cuts_off boolean) returns jsonb
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  update public.users
  set signed_out_at = greatest(signed_out_at, ended_at + (clock_timestamp() - now()), latest_sign_in_at), updated_at = now()
  where id = person_id;
  delete from public.account_links where user_id = person_id and used_key is null;
  if cuts_off then
    delete from public.oauth_grants where user_id = person_id;
    delete from public.personal_tokens where user_id = person_id;
  end if;
  return jsonb_build_object(
    'clients', (
      select count(*) from public.oauth_grants
      where user_id = person_id and is_exchanged and (expires_at is null or expires_at > clock_timestamp())
    ),
    'tokens', (
      select count(*) from public.personal_tokens
      where user_id = person_id and (expires_at is null or expires_at > clock_timestamp())
    )
  );
end
$$;

revoke execute on function confirm_sign_in(integer, text, timestamptz, boolean, timestamptz) from public;
grant execute on function confirm_sign_in(integer, text, timestamptz, boolean, timestamptz) to task_worker;
