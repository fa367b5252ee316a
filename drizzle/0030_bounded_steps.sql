-- expand
-- A step of the schedule takes no more than it can in time, and what is due of others where a call holds the first people's rows.

-- As before, and people whose rows calls hold do not use up what a step takes: it goes on to the next.
create or replace function log_lapsed_claims(most integer, deadline timestamptz) returns integer
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set lock_timeout = '2s'
as $$
declare
  step constant integer := public.step_size(most);
  moment constant timestamptz := public.claim_clock();
  person record;
  counted integer;
  total integer := 0;
begin
  perform set_config('app.change', 'schedule', true);
  perform set_config('app.call', '{"origin": {"via": "schedule"}}', true);
  for person in
    with due as materialized (
      select users.id from public.tasks join public.users on users.id = tasks.user_id
      where tasks.claimed_until <= moment order by tasks.claimed_until limit step
      for no key update of users skip locked
    )
    select distinct id from due order by id
  loop
    perform set_config('app.outcome', '[]', true);
    with lapsed as materialized (
      select id from public.tasks where user_id = person.id and claimed_until <= moment
      order by id limit step - total
      for update skip locked
    )
    update public.tasks set claimed_until = null, claim_lapses = claim_lapses + 1
    from lapsed where tasks.user_id = person.id and tasks.id = lapsed.id;
    get diagnostics counted = row_count;
    total := total + counted;
    exit when total >= step;
  end loop;
  perform set_config('app.change', '', true), set_config('app.call', '', true), set_config('app.outcome', '', true);
  perform public.require_time_left(deadline);
  return total;
end
$$;

-- As before, likewise.
create or replace function purge_deleted_tasks(most integer, deadline timestamptz) returns integer
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set lock_timeout = '2s'
-- In which moments are logged.
set timezone = 'UTC'
as $$
declare
  step constant integer := public.step_size(most);
  kept_since constant timestamptz := now() - interval '30 days';
  person record;
  gone record;
  latest record;
  total integer := 0;
begin
  for person in
    with due as materialized (
      select users.id from public.tasks join public.users on users.id = tasks.user_id
      where tasks.deleted_at < kept_since order by tasks.deleted_at limit step
      for no key update of users skip locked
    )
    select distinct id from due order by id
  loop
    for gone in
      with deleted as materialized (
        select id from public.tasks where user_id = person.id and deleted_at < kept_since
        order by id limit step - total
        for update skip locked
      )
      delete from public.tasks using deleted where tasks.user_id = person.id and tasks.id = deleted.id
      returning tasks.id, public.logged_columns(to_jsonb(tasks)) as image
    loop
      total := total + 1;
      select change, operation into latest from public.task_changes
      where user_id = person.id and task_id = gone.id
      order by change desc limit 1;
      if latest.operation = 'baseline' then
        delete from public.task_changes
        where user_id = person.id and change = latest.change and task_id = gone.id;
      else
        update public.task_changes set
          operation = 'delete',
          before = case operation when 'update' then gone.image || before else coalesce(before, gone.image) end,
          after = null
        where user_id = person.id and change = latest.change and task_id = gone.id;
      end if;
    end loop;
    exit when total >= step;
  end loop;
  perform public.require_time_left(deadline);
  return total;
end
$$;

-- As before, likewise, and of changes no more at once than 1,000 rows of the log. One that is larger, as SQL by hand makes them, goes
-- in parts: the image of each task takes its place, and once all are there it goes, and the baseline moves on. A part counts as one.
create or replace function purge_history(keep_days integer, most integer, deadline timestamptz) returns integer
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set lock_timeout = '2s'
as $$
declare
  step constant integer := public.step_size(most);
  -- As long as deleted tasks are there.
  least_days constant integer := 30;
  kept_since constant timestamptz := now() - make_interval(days => greatest(keep_days, least_days));
  -- How much there may be to do of all changes together, each time for one task.
  most_rows constant integer := 1000;
  rows_left integer := most_rows;
  person record;
  coming record;
  is_whole boolean;
  changed integer[];
  counted integer;
  total integer := 0;
begin
  for person in
    with oldest as materialized (
      select users.id, users.log_baseline, changes.change
      from public.changes join public.users on users.id = changes.user_id
      where changes.at < kept_since order by changes.at limit step
      for no key update of users skip locked
    )
    select id, max(log_baseline) as log_baseline, max(change) as last from oldest group by id order by id
  loop
    with next as materialized (
      select change, task_id from public.task_changes
      where user_id = person.id and change > person.log_baseline and change <= person.last and operation <> 'baseline'
      order by change, task_id limit rows_left + 1
    )
    select count(*), min(change), max(change) into coming from next;
    is_whole := true;
    if coming.count > rows_left then
      is_whole := coming.min < coming.max;
      -- Only one that is too large for any step goes in parts: no undo takes it back, which would find images in its place.
      exit when not is_whole and rows_left < most_rows;
      person.last := case when is_whole then coming.max - 1 else coming.max end;
    end if;
    select array_agg(distinct task_id), count(*) into changed, counted
    from (
      select task_id from public.task_changes
      where user_id = person.id and change > person.log_baseline and change <= person.last and operation <> 'baseline'
      order by change, task_id limit rows_left
    ) as next;
    rows_left := rows_left - counted;

    with logged as (
      select
        task_id, change, after,
        max(change) filter (where operation <> 'update') over of_task as whole_since,
        max(change) over of_task as last
      from public.task_changes
      where user_id = person.id and task_id = any (changed) and change <= person.last
      window of_task as (partition by task_id)
    ), images as (
      -- Of a column that has changed more than once, the last value.
      select task_id, last, jsonb_object_agg(key, value order by change) as image
      from logged, jsonb_each(after)
      where change >= coalesce(whole_since, 0)
      group by task_id, last
    )
    update public.task_changes as kept set operation = 'baseline', before = null, after = images.image
    from images
    where kept.user_id = person.id and kept.task_id = images.task_id and kept.change = images.last;

    -- Also what stood there of a task that is gone.
    delete from public.task_changes as old
    where user_id = person.id and task_id = any (changed) and change <= person.last and (
      operation <> 'baseline' or exists (
        select from public.task_changes as later
        where later.user_id = old.user_id and later.task_id = old.task_id
          and later.change > old.change and later.change <= person.last
      )
    );
    if not is_whole then
      total := total + 1;
      exit;
    end if;
    delete from public.changes where user_id = person.id and change <= person.last;
    get diagnostics counted = row_count;
    total := total + counted;
    update public.users set log_baseline = person.last where id = person.id and log_baseline < person.last;
    exit when rows_left <= 0;
  end loop;
  perform public.require_time_left(deadline);
  return total;
end
$$;
