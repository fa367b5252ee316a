-- expand
-- As before, and says in its detail what time it is here: a worker whose idea of that is wrong, because a clock was set,
-- learns it from a call that came too late, and has no other call to learn it from.
create or replace function require_time_left(deadline timestamptz) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  now_here constant timestamptz := clock_timestamp();
begin
  if now_here >= deadline then
    raise exception 'the time of this call is over'
      using errcode = 'TS001', detail = to_char(now_here at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"');
  end if;
end
$$;
