-- expand
-- As before, and ends too what was signed in while the call waited for the user's row: with the password of before, which
-- nobody had changed yet. "ended_at" is the worker's time when it sent the call, as the times of tokens are the worker's; what
-- has passed since is measured here, where it does not matter whether the two clocks agree.
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
