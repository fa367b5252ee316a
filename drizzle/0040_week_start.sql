-- expand
-- The day that a person's week begins with.
alter table users
  add column week_start text not null default 'monday',
  add constraint users_week_start check (
    week_start in ('monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday')
  );
grant select (week_start), update (week_start) on users to task_worker;

-- As the one before it, for a person who says what their week begins with.
create function sign_up(
  new_email text, new_name text, new_time_zone text, new_password_hash text, new_sign_up_key uuid, deadline timestamptz,
  address text, address_maximum integer, new_week_start text
)
returns table (id integer, email text, name text, time_zone text)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  made record;
begin
  select * into made from public.sign_up(
    new_email, new_name, new_time_zone, new_password_hash, new_sign_up_key, deadline, address, address_maximum
  );
  update public.users set week_start = new_week_start where users.id = made.id and users.week_start <> new_week_start;
  return query select made.id, made.email, made.name, made.time_zone;
end
$$;
revoke execute on function sign_up(text, text, text, text, uuid, timestamptz, text, integer, text) from public;
grant execute on function sign_up(text, text, text, text, uuid, timestamptz, text, integer, text) to task_worker;

-- As before, and tells the statements after it what the person's week begins with (app.week_start).
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
    select id, time_zone, signed_out_at, last_change, log_baseline, week_start into person from public.users where id = caller_id;
  else
    select id, time_zone, signed_out_at, last_change, log_baseline, week_start into person
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
  perform set_config('app.sees_deleted', case when (call ->> 'sees_deleted')::boolean then 'on' else '' end, true);
  perform set_config('app.time_zone', person.time_zone, true);
  perform set_config('app.week_start', person.week_start, true);
  perform set_config('TimeZone', 'UTC', true);
  perform set_config('app.via', coalesce(origin ->> 'via', ''), true);
  perform set_config('app.client', coalesce(origin ->> 'client', ''), true);
  perform set_config('app.request_id', coalesce(origin ->> 'request_id', ''), true);
  if write is not null then
    perform set_config('app.change', (person.last_change + 1)::text, true);
    perform set_config('app.outcome', '[]', true);
    perform set_config('app.call', call::text, true);
  end if;
  return jsonb_build_object(
    'now', clock_timestamp(), 'time_zone', person.time_zone,
    'last_change', person.last_change, 'log_baseline', person.log_baseline
  );
end
$$;
