-- expand
-- What is kept for some time alone goes, and claims that have lapsed are counted: the worker's schedule calls these functions. They
-- know no caller and take no more than how much to do at once, so that a call of them does what the schedule would have done.
-- Each takes the rows of its users in the order of their ids, and passes over those that a call holds: they are for the next time.
-- What a step takes is found by a query that is materialized: PostgreSQL may run any other more than once, each time for other rows.
create index changes_at_idx on changes (at);
create index tasks_deleted_at_idx on tasks (deleted_at) where deleted_at is not null;
create index tasks_claimed_until_idx on tasks (claimed_until) where claimed_until is not null;
create index personal_tokens_expires_at_idx on personal_tokens (expires_at) where expires_at is not null;
create index oauth_grants_expires_at_idx on oauth_grants (expires_at) where expires_at is not null;
create index oauth_refresh_tokens_superseded_at_idx on oauth_refresh_tokens (superseded_at) where superseded_at is not null;
create index revoked_tokens_expires_at_idx on revoked_tokens (expires_at);

-- How many rows a step of the schedule may take, of those that it asks for.
create function step_size(asked integer) returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  most_rows constant integer := 1000;
begin
  if coalesce(current_setting('app.user_id', true), '') <> '' then
    raise exception 'the schedule is part of no call' using errcode = 'insufficient_privilege';
  end if;
  return greatest(1, least(asked, most_rows));
end
$$;

-- Logs claims that have lapsed and that nobody has counted yet, as a change by the schedule. "claimed_by" stays: as long as nobody
-- takes the task over, the claim still counts for its holder. Returns how many there were.
create function log_lapsed_claims(most integer, deadline timestamptz) returns integer
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

-- Removes the rows of tasks that were deleted 30 days ago. That is no change: the log says of such a task what it says of one whose
-- row went when it was deleted. Its last change is a deletion that has left nothing. Returns how many there were.
create function purge_deleted_tasks(most integer, deadline timestamptz) returns integer
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

-- Removes changes that are older than so many days, 30 at least, and moves the log's baseline on with them: of a task that they
-- changed what stays is its image, as it was after the last of them. Returns how many there were.
create function purge_history(keep_days integer, most integer, deadline timestamptz) returns integer
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

-- Removes what counts no more: keys of calls, links, what was to be used once, tokens that were ended before they expired, refresh
-- tokens that were replaced, OAuth clients' grants, counts of days before yesterday; and personal tokens a month later, as their
-- person is shown that they have expired. Of each so many rows at most. Returns how many there were.
create function purge_expired(most integer, deadline timestamptz) returns integer
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set lock_timeout = '2s'
as $$
declare
  step constant integer := public.step_size(most);
  moment constant timestamptz := clock_timestamp();
  counted integer;
  total integer := 0;
begin
  with expired as materialized (
    select user_id, key from public.idempotency_keys
    where public.key_expires_at(key, created_at) <= moment
    order by public.key_expires_at(key, created_at) limit step
    for update skip locked
  )
  delete from public.idempotency_keys as old using expired
  where old.user_id = expired.user_id and old.key = expired.key;
  get diagnostics counted = row_count;
  total := total + counted;
  with expired as materialized (
    select hash from public.account_links where expires_at < moment - interval '1 hour'
    order by expires_at limit step
    for update skip locked
  )
  delete from public.account_links as old using expired where old.hash = expired.hash;
  get diagnostics counted = row_count;
  total := total + counted;
  with expired as materialized (
    select name from public.single_uses where expires_at <= moment
    order by expires_at limit step
    for update skip locked
  )
  delete from public.single_uses as old using expired where old.name = expired.name;
  get diagnostics counted = row_count;
  total := total + counted;
  with expired as materialized (
    select token_id from public.revoked_tokens where expires_at < moment
    order by expires_at limit step
    for update skip locked
  )
  delete from public.revoked_tokens as old using expired where old.token_id = expired.token_id;
  get diagnostics counted = row_count;
  total := total + counted;
  with expired as materialized (
    select user_id, grant_id, hash from public.oauth_refresh_tokens
    where superseded_at <= moment - interval '10 minutes'
    order by superseded_at limit step
    for update skip locked
  )
  delete from public.oauth_refresh_tokens as old using expired
  where old.user_id = expired.user_id and old.grant_id = expired.grant_id and old.hash = expired.hash;
  get diagnostics counted = row_count;
  total := total + counted;
  with expired as materialized (
    select user_id, id from public.oauth_grants where expires_at <= moment
    order by expires_at limit step
    for update skip locked
  )
  delete from public.oauth_grants as old using expired where old.user_id = expired.user_id and old.id = expired.id;
  get diagnostics counted = row_count;
  total := total + counted;
  with expired as materialized (
    select user_id, id from public.personal_tokens where expires_at < moment - interval '30 days'
    order by expires_at limit step
    for update skip locked
  )
  delete from public.personal_tokens as old using expired where old.user_id = expired.user_id and old.id = expired.id;
  get diagnostics counted = row_count;
  total := total + counted;
  with expired as materialized (
    select day, kind, subject from public.daily_counts where day < public.utc_today() - 1
    order by day limit step
    for update skip locked
  )
  delete from public.daily_counts as old using expired where old.day = expired.day and old.kind = expired.kind and old.subject = expired.subject;
  get diagnostics counted = row_count;
  total := total + counted;
  perform public.require_time_left(deadline);
  return total;
end
$$;

revoke execute on function step_size(integer) from public;
revoke execute on function log_lapsed_claims(integer, timestamptz) from public;
revoke execute on function purge_deleted_tasks(integer, timestamptz) from public;
revoke execute on function purge_history(integer, integer, timestamptz) from public;
revoke execute on function purge_expired(integer, timestamptz) from public;
grant execute on function log_lapsed_claims(integer, timestamptz) to task_worker;
grant execute on function purge_deleted_tasks(integer, timestamptz) to task_worker;
grant execute on function purge_history(integer, integer, timestamptz) to task_worker;
grant execute on function purge_expired(integer, timestamptz) to task_worker;
