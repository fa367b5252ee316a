create or replace function require_time_left(deadline timestamptz) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if clock_timestamp() >= deadline then
    raise exception 'the time of this call is over' using errcode = 'TS001';
  end if;
end
$$;
