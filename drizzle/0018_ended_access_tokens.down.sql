drop function end_oauth_token(integer, text, uuid, integer);

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
      );
    else
      return false;
  end case;
end
$$;
