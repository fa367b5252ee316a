-- expand
-- An access token of OAuth that its client ends by itself (RFC 7009) counts no more at the next call, as KV, which keeps it,
-- would still show it for a minute. The other tokens of its grant go on.

-- As before, and of an OAuth credential "token_id" is looked up too: the UUID that the token's SHA-256 begins with.
create or replace function credential_counts(caller_id integer, credential jsonb, signed_out_at timestamptz) returns boolean
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
      ) and not exists (select from public.revoked_tokens where token_id = (credential ->> 'token_id')::uuid);
    else
      return false;
  end case;
end
$$;

-- Ends one access token of a grant, for as many seconds as it would have lasted at most.
create function end_oauth_token(wanted_user_id integer, wanted_id text, ended_token_id uuid, lifetime integer) returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  insert into public.revoked_tokens (token_id, user_id, expires_at)
  select ended_token_id, wanted_user_id, clock_timestamp() + make_interval(secs => lifetime)
  from public.oauth_grants where user_id = wanted_user_id and id = wanted_id
  on conflict (token_id) do nothing;
  delete from public.revoked_tokens where user_id = wanted_user_id and expires_at < clock_timestamp();
end
$$;

revoke execute on function end_oauth_token(integer, text, uuid, integer) from public;
grant execute on function end_oauth_token(integer, text, uuid, integer) to task_worker;
