-- expand
-- The moment of a local time of the person of this transaction (RFC 5545 section 3.3.5): one that a clock shows twice
-- is the first, one that it skips has the offset from before. Postgres would take the second of two.
create function person_moment(local_time timestamp) returns timestamptz
language sql stable strict parallel safe
return (
  select case when first at time zone zone = local_time or later at time zone zone <> local_time then first else later end
  from (select current_setting('app.time_zone') as zone) as setting,
    lateral (select local_time at time zone zone as later) as by_postgres,
    lateral (
      select (local_time - ((later - interval '1 day') at time zone zone - (later - interval '1 day') at time zone 'UTC'))
        at time zone 'UTC' as first
    ) as by_offset_before
);
