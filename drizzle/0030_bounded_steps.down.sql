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
    select users.id from public.users
    where users.id in (select user_id from public.tasks where claimed_until <= moment order by claimed_until limit step)
    order by users.id
    for no key update of users skip locked
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
    select users.id from public.users
    where users.id in (select user_id from public.tasks where deleted_at < kept_since order by deleted_at limit step)
    order by users.id
    for no key update of users skip locked
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
  person record;
  changed integer[];
  counted integer;
  total integer := 0;
begin
  for person in
    select users.id, users.log_baseline, old.change as last
    from public.users join (
      select user_id, max(change) as change
      from (select user_id, change from public.changes where at < kept_since order by at limit step) as oldest
      group by user_id
    ) as old on old.user_id = users.id
    order by users.id
    for no key update of users skip locked
  loop
    select array_agg(distinct task_id) into changed from public.task_changes
    where user_id = person.id and change > person.log_baseline and change <= person.last;

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
    delete from public.changes where user_id = person.id and change <= person.last;
    get diagnostics counted = row_count;
    total := total + counted;
    update public.users set log_baseline = person.last where id = person.id and log_baseline < person.last;
  end loop;
  perform public.require_time_left(deadline);
  return total;
end
$$;
