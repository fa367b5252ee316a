-- As it was, and the session's time zone is set besides: Postgres writes moments in it, and one whose offset has
-- seconds, as Monrovia's had until 1972, is no moment to JavaScript. Set here and not for the role, so that it holds
-- whoever opened the connection that a pooler lends.
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
  perform set_config('TimeZone', 'UTC', true);
end
$$;
