-- expand
-- The log's baseline: the image of every task that is there, under a number of its own. What was before it cannot be asked for.
-- A call that writes, and a write past the worker, wait for the row of their user; reads go on. Where there are 100,000 tasks it
-- takes some seconds.
select set_config('TimeZone', 'UTC', true);
update users set last_change = last_change + numbered.taken, log_baseline = last_change + numbered.taken
from (
  select id, exists (select from tasks where tasks.user_id = users.id)::integer as taken from users
) as numbered
where numbered.id = users.id;

-- Statements of their own, which see what the one before them has waited for.
insert into changes (user_id, change, via)
select id, log_baseline, 'migration' from users
where log_baseline > 0 and exists (select from tasks where tasks.user_id = users.id)
on conflict do nothing;

insert into task_changes (user_id, change, task_id, operation, after)
select tasks.user_id, users.log_baseline, tasks.id, 'baseline', logged_columns(to_jsonb(tasks))
from tasks join users on users.id = tasks.user_id
where users.log_baseline > 0
-- A task that a call changed while this waited for its user.
on conflict (user_id, change, task_id) do update set operation = 'baseline', before = null, after = excluded.after;
