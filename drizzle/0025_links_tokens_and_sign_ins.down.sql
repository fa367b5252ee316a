drop function confirm_sign_in(integer, text, timestamptz, boolean, timestamptz);

create or replace function end_sign_ins(person_id integer, ended_at timestamptz, cuts_off boolean) returns jsonb
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  update public.users set signed_out_at = greatest(signed_out_at, ended_at + (clock_timestamp() - now())), updated_at = now()
  where id = person_id;
  delete from public.account_links where user_id = person_id and used_key is null;
  if cuts_off then
    delete from public.oauth_grants where user_id = person_id;
    delete from public.personal_tokens where user_id = person_id;
  end if;
  return jsonb_build_object(
    'clients', (
      select count(*) from public.oauth_grants
      where user_id = person_id and (expires_at is null or expires_at > clock_timestamp())
    ),
    'tokens', (
      select count(*) from public.personal_tokens
      where user_id = person_id and (expires_at is null or expires_at > clock_timestamp())
    )
  );
end
$$;

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

create or replace function request_password_reset(wanted_email text, mailbox text, link_hash text, deadline timestamptz)
returns table (email text)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform public.count_mail(mailbox);
  insert into public.account_links (hash, user_id, kind, expires_at)
  select link_hash, person.id, 'reset_password', clock_timestamp() + interval '30 minutes'
  from public.users as person where lower(person.email) = lower(wanted_email)
  -- Made by an attempt whose answer was lost.
  on conflict (hash) do nothing;
  perform public.require_time_left(deadline);
  return query select person.email from public.users as person where lower(person.email) = lower(wanted_email);
end
$$;

alter table users drop column latest_sign_in_at;
alter table oauth_grants drop column is_exchanged;
