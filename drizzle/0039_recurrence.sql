-- expand
-- Recurrence: what completes a task that recurs makes the next of its series, in the same change. docs/recurrence.md says when.
-- "recurrence" is a rule of RFC 5545; with "recurrence_from" completion it counts from the day on which a task was completed. All
-- tasks of a series have its "series" and where that began, "series_start" (DTSTART), by the person's clock: a day, or a day and a
-- time, as text. "occurrence" counts them, and "occurs_at" is when this one is due by the rule, whatever its "due" has become.
alter table tasks
  add column recurrence text,
  add column recurrence_from text,
  add column series uuid,
  add column series_start text,
  add column occurrence integer,
  add column occurs_at text,
  add constraint tasks_recurrence_length check (char_length(recurrence) between 1 and 300),
  add constraint tasks_recurrence_from check (recurrence_from = 'completion'),
  add constraint tasks_series check (num_nonnulls(recurrence, series, series_start, occurrence, occurs_at) in (0, 5));

-- A task of a series that is completed again makes no second one.
create unique index tasks_series_occurrence_key on tasks (user_id, series, occurrence)
  where series is not null and deleted_at is null;

-- When a rule that starts then recurs, as the worker has reckoned: all there are from "since" on, as far as they go. "is_end" says that
-- there are no more. Nothing is lost where a row goes: the worker reckons again.
create table occurrences (
  user_id integer not null references users on delete cascade,
  rule text not null,
  start text not null,
  since text not null,
  times text[] not null,
  is_end boolean not null,
  stored_at timestamptz(3) not null default now(),
  primary key (user_id, rule, start)
);
create index occurrences_user_id_stored_at_idx on occurrences (user_id, stored_at);

alter table occurrences enable row level security;
create policy occurrences_own on occurrences to task_worker using (user_id = (select current_user_id()));

-- The time zone of a user, by which person_moment reckons from then on.
create function clock_of(owner_id integer) returns text
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if owner_id is distinct from public.current_user_id() or coalesce(current_setting('app.time_zone', true), '') = '' then
    perform set_config('app.time_zone', (select time_zone from public.users where id = owner_id), true);
  end if;
  return current_setting('app.time_zone');
end
$$;

-- A moment by a clock, as a series keeps it.
create function wall_time(moment timestamptz, zone text, is_timed boolean) returns text
language sql stable
return to_char(moment at time zone zone, case when is_timed then 'YYYY-MM-DD"T"HH24:MI:SS' else 'YYYY-MM-DD' end);

-- Notes what the worker has to reckon before the call can be carried out: raise_unknown_occurrences tells it.
create function note_unknown(asked jsonb) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  perform set_config('app.unknown_occurrences', (
    coalesce(nullif(current_setting('app.unknown_occurrences', true), ''), '[]')::jsonb || asked
  )::text, true);
end
$$;

-- What the call has brought of a rule that starts then (null: of when it may begin); null where it has nothing.
create function brought_occurrences(its_rule text, its_start text) returns jsonb
language sql stable
set search_path = pg_catalog, pg_temp
return (
  select brought
  from jsonb_array_elements(nullif(current_setting('app.call', true), '')::jsonb -> 'occurrences') as brought
  where brought ->> 'rule' = its_rule and brought ->> 'start' is not distinct from its_start
  limit 1
);

-- Keeps what the call has brought of a rule, in place of what was kept. Returns whether there is anything now.
create function keep_occurrences(owner_id integer, its_rule text, its_start text) returns boolean
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  most_kept constant integer := 1000;
  brought constant jsonb := public.brought_occurrences(its_rule, its_start);
begin
  if brought is null then
    return exists (select from public.occurrences where user_id = owner_id and rule = its_rule and start = its_start);
  end if;
  insert into public.occurrences as kept (user_id, rule, start, since, times, is_end)
  values (
    owner_id, its_rule, its_start, brought ->> 'since', array(select jsonb_array_elements_text(brought -> 'times')),
    (brought ->> 'is_end')::boolean
  )
  on conflict (user_id, rule, start) do update
  set since = excluded.since, times = excluded.times, is_end = excluded.is_end, stored_at = excluded.stored_at;
  delete from public.occurrences as old
  where old.user_id = owner_id and (old.rule, old.start) in (
    select rule, start from public.occurrences where user_id = owner_id order by stored_at desc offset most_kept
  );
  return true;
end
$$;

-- When a rule that started then recurs first, after one time ("past") and not before another. Null where the series has ended, '?'
-- where that is not known.
create function next_time(owner_id integer, its_rule text, its_start text, past text, earliest text) returns text
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  since_when constant text := greatest(past collate "C", earliest collate "C");
  kept record;
  found_time text;
begin
  perform public.keep_occurrences(owner_id, its_rule, its_start);
  select since, times, is_end into kept from public.occurrences
  where user_id = owner_id and rule = its_rule and start = its_start;
  if found and kept.since collate "C" <= since_when then
    select min(each collate "C") into found_time from unnest(kept.times) as each
    where each collate "C" > past and each collate "C" >= earliest;
    if found_time is not null or kept.is_end then
      return found_time;
    end if;
  end if;
  perform public.note_unknown(jsonb_build_object('rule', its_rule, 'start', its_start, 'since', since_when));
  return '?';
end
$$;

-- As next_time, of a rule that counts from when the task was completed: so many days, weeks, months, years or hours later.
create function time_after_completion(its_rule text, completed timestamp, occurs text) returns text
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
    case when unit = 'hour' then date_trunc('minute', completed) else completed::date + occurs::time end + distance,
    'YYYY-MM-DD"T"HH24:MI:SS'
  );
end
$$;

-- Begins a series where a task gets another rule, at its due, or, without one, at the first time that fits the rule, which becomes its due;
-- ends one where the rule goes. Where a task is restored for whose occurrence another stands by now, it recurs no more; and no task that
-- is there gets its place in a series back, by an undo, where another stands there.
create function begin_series() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  is_restored constant boolean := case tg_op
    when 'INSERT' then coalesce(current_setting('app.restores', true) = 'on', false)
    else old.deleted_at is not null and new.deleted_at is null
  end;
  -- Past the worker nobody reckons: what completes the task by a tool will.
  is_call constant boolean := coalesce(current_setting('app.change', true), '') <> '';
  is_timed constant boolean := new.recurrence ~ '(^|;)(FREQ=HOURLY|BYHOUR=|BYMINUTE=)';
  zone text;
  bound text;
  brought jsonb;
  in_its_place integer;
begin
  if new.series is not null and new.deleted_at is null and (is_restored or tg_op = 'UPDATE' and new.series is distinct from old.series) then
    select id into in_its_place from public.tasks
    where user_id = new.user_id and series = new.series and occurrence = new.occurrence and id <> new.id and deleted_at is null;
    if in_its_place is not null and is_restored then
      new.recurrence := null;
    elsif in_its_place is not null then
      perform public.raise_reference('recurrence', jsonb_build_object('problem', 'taken', 'id', in_its_place));
    end if;
  end if;
  if new.recurrence is null then
    new.recurrence_from := null;
    new.series := null;
    new.series_start := null;
    new.occurrence := null;
    new.occurs_at := null;
    return new;
  end if;
  if new.series is not null and (
    tg_op = 'INSERT' or new.series is distinct from old.series
    or (new.recurrence, new.recurrence_from) is not distinct from (old.recurrence, old.recurrence_from)
  ) then
    return new;
  end if;
  zone := public.clock_of(new.user_id);
  new.series := gen_random_uuid();
  new.occurrence := 1;
  if new.due_date is not null then
    new.series_start := to_char(new.due_date, 'YYYY-MM-DD');
    if is_timed then
      raise exception 'the rule has a time of day, and the task is due on a whole day' using
        errcode = 'TS008', constraint = 'time of day';
    end if;
  elsif new.due_at is not null then
    new.series_start := public.wall_time(new.due_at, zone, true);
  else
    bound := public.wall_time(now(), zone, is_timed);
    new.series_start := bound;
    if new.recurrence_from is null then
      brought := public.brought_occurrences(new.recurrence, null);
      new.series_start := (
        select min(each collate "C") from jsonb_array_elements_text(brought -> 'times') as each
        where brought ->> 'since' collate "C" <= bound and each collate "C" >= bound
      );
      if new.series_start is null then
        perform public.note_unknown(jsonb_build_object('rule', new.recurrence, 'start', null, 'since', bound));
        -- Until that is told, at the end of the statement.
        new.series_start := bound;
      end if;
    end if;
    new.due_date := case when not is_timed then new.series_start::date end;
    new.due_at := case when is_timed then public.person_moment(new.series_start::timestamp) end;
  end if;
  new.occurs_at := new.series_start;
  if new.recurrence_from is null and not public.keep_occurrences(new.user_id, new.recurrence, new.series_start) and is_call then
    perform public.note_unknown(jsonb_build_object(
      'rule', new.recurrence, 'start', new.series_start, 'since', new.series_start, 'begins', true
    ));
  end if;
  return new;
end
$$;

-- Makes the next task of each series of which a task was completed, whatever has completed it: one that is due at the next time of the
-- rule after that of this one, and not before now where several have passed. It has all of this one but what is only this one's.
create function make_next_occurrences() returns trigger
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
    made := made || ((image - not_passed_on) || jsonb_build_object(
      'occurrence', done.occurrence + 1,
      'occurs_at', next,
      'due_date', case when length(next) = 10 then next::date end,
      'due_at', case when length(next) > 10 then public.person_moment(next::timestamp) end,
      'scheduled_date', (done.scheduled_date + distance)::date,
      'scheduled_at', public.person_moment((done.scheduled_at at time zone zone) + distance)
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

-- Before triggers fire by their names: what this changes is in the log (tasks_number_change).
create trigger tasks_begin_series before insert on tasks
  for each row when (new.recurrence is not null) execute function begin_series();
create trigger tasks_begin_another_series before update on tasks
  for each row when (new.recurrence is not null or old.recurrence is not null) execute function begin_series();
-- After what gathers the changes, so that the task which was completed comes first.
create trigger tasks_make_next_of_inserted after insert on tasks
  referencing new table as changed for each statement execute function make_next_occurrences();
create trigger tasks_make_next_of_updated after update on tasks
  referencing old table as before new table as changed for each statement execute function make_next_occurrences();

-- As before, and a series is one field with its rule.
create or replace function fields_of(columns text[]) returns text[]
language sql immutable parallel safe
return (
  select coalesce(array_agg(distinct case name
    when 'due_date' then 'due'
    when 'due_at' then 'due'
    when 'scheduled_date' then 'scheduled'
    when 'scheduled_at' then 'scheduled'
    when 'recurrence_from' then 'recurrence'
    when 'series' then 'recurrence'
    when 'series_start' then 'recurrence'
    when 'occurrence' then 'recurrence'
    when 'occurs_at' then 'recurrence'
    when 'completed_at' then 'status'
    when 'deleted_at' then 'deleted'
    else name
  end), '{}')
  from unnest(columns) as name
);

revoke execute on function clock_of(integer) from public;
revoke execute on function note_unknown(jsonb) from public;
revoke execute on function brought_occurrences(text, text) from public;
revoke execute on function keep_occurrences(integer, text, text) from public;
revoke execute on function next_time(integer, text, text, text, text) from public;
revoke execute on function time_after_completion(text, timestamp, text) from public;
revoke execute on function wall_time(timestamptz, text, boolean) from public;
revoke execute on function begin_series() from public;
revoke execute on function make_next_occurrences() from public;
