-- expand
-- As before, and where "scheduled" would move by as much as "due" to a year that no date can be given in, the next task has none. A due date
-- may have been put off by thousands of years: a moment before Christ was kept, which nothing could read any more.
create or replace function make_next_occurrences() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
-- In which moments are written.
set timezone = 'UTC'
as $$
declare
  not_passed_on constant text[] := array[
    'id', 'status', 'version', 'created_at', 'updated_at', 'completed_at', 'deleted_at', 'last_change', 'idempotency_key',
    'claim', 'claimed_until', 'claimed_by', 'claim_lapses', 'searched_text', 'searched_tags',
    'blocked_by', 'discovered_from', 'created_by', 'changed_by'
  ];
  completed jsonb;
  image jsonb;
  done public.tasks;
  zone text;
  next text;
  distance interval;
  is_scheduled boolean;
  made jsonb := '[]';
  names text;
  unknown text;
begin
  -- What an undo completes again has its next one already, or gets it back: a call that undoes says so.
  if coalesce(current_setting('app.undoes', true), '') <> 'on' then
    if tg_op = 'INSERT' then
      select jsonb_agg(to_jsonb(changed) order by changed.user_id, changed.id) into completed from changed
      where changed.recurrence is not null and changed.status = 'completed' and changed.deleted_at is null
        and coalesce(current_setting('app.restores', true), '') <> 'on';
    else
      select jsonb_agg(to_jsonb(changed) order by changed.user_id, changed.id) into completed
      from changed join before on before.user_id = changed.user_id and before.id = changed.id
      where changed.recurrence is not null and changed.status = 'completed' and before.status <> 'completed'
        and changed.deleted_at is null;
    end if;
  end if;
  for image in select each from jsonb_array_elements(completed) as each loop
    done := jsonb_populate_record(null::public.tasks, image);
    continue when exists (
      select from public.tasks
      where user_id = done.user_id and series = done.series and occurrence = done.occurrence + 1 and deleted_at is null
    );
    zone := public.clock_of(done.user_id);
    next := case
      when done.recurrence_from = 'completion' then
        public.time_after_completion(done.recurrence, done.completed_at at time zone zone, done.occurs_at)
      else public.next_time(
        done.user_id, done.recurrence, done.series_start, done.occurs_at,
        public.wall_time(done.completed_at, zone, length(done.occurs_at) > 10)
      )
    end;
    continue when next is null or next = '?';
    distance := next::timestamp
      - coalesce(done.due_date::timestamp, done.due_at at time zone zone, done.occurs_at::timestamp);
    is_scheduled := coalesce(done.scheduled_date, (done.scheduled_at at time zone zone)::date) - date '2000-01-01'
      + extract(day from distance) between date '1900-01-02' - date '2000-01-01' and date '9999-12-30' - date '2000-01-01';
    made := made || ((image - not_passed_on) || jsonb_build_object(
      'occurrence', done.occurrence + 1,
      'occurs_at', next,
      'due_date', case when length(next) = 10 then next::date end,
      'due_at', case when length(next) > 10 then public.person_moment(next::timestamp) end,
      'scheduled_date', case when is_scheduled then (done.scheduled_date + distance)::date end,
      'scheduled_at', case when is_scheduled then public.person_moment((done.scheduled_at at time zone zone) + distance) end
    ));
  end loop;
  unknown := nullif(current_setting('app.unknown_occurrences', true), '');
  if unknown is not null then
    raise exception 'the coming occurrences of a task are not known; complete it by a tool' using
      errcode = 'TS008', constraint = 'occurrences',
      detail = jsonb_build_object('time_zone', current_setting('app.time_zone'), 'unknown', unknown::jsonb)::text;
  end if;
  if made <> '[]' then
    select string_agg(format('%I', attname), ', ') into names from pg_attribute
    where attrelid = 'public.tasks'::regclass and attnum > 0 and not attisdropped and attgenerated = ''
      and attname <> all (not_passed_on);
    -- It refers to what the one before it refers to, also where that is not there now.
    perform set_config('app.undoes', 'on', true);
    execute format(
      'insert into public.tasks (%1$s) select %1$s from jsonb_populate_recordset(null::public.tasks, $1) as image', names
    ) using made;
    perform set_config('app.undoes', '', true);
  end if;
  return null;
end
$$;

-- As before, of a series that started in a year of five digits, as it may be by a clock that is ahead.
create or replace function time_after_completion(its_rule text, completed timestamp, occurs text) returns text
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  unit constant text := case substring(its_rule from 'FREQ=([A-Z]+)')
    when 'HOURLY' then 'hour' when 'DAILY' then 'day' when 'WEEKLY' then 'week' when 'MONTHLY' then 'month' else 'year'
  end;
  distance constant interval := (coalesce(substring(its_rule from 'INTERVAL=([0-9]+)'), '1') || ' ' || unit)::interval;
begin
  if length(occurs) = 10 then
    return to_char(completed::date + distance, 'YYYY-MM-DD');
  end if;
  return to_char(
    case when unit = 'hour' then date_trunc('minute', completed) else completed::date + split_part(occurs, 'T', 2)::time end + distance,
    'YYYY-MM-DD"T"HH24:MI:SS'
  );
end
$$;
