create or replace function set_caller(caller_id integer, caller_token_id uuid, token_issued_at timestamptz)
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
