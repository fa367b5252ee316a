-- The key of tasks stays (user_id, id), as tasks of two users may have the same id by now. The sequence goes on behind
-- all of them.
drop trigger tasks_gather_inserted on tasks;
drop trigger tasks_gather_updated on tasks;
drop trigger tasks_gather_deleted on tasks;
drop trigger tasks_assign_id on tasks;
drop function gather_task_changes();
drop function assign_task_id();
drop function sign_up(text, text, text, text, uuid, timestamptz);
drop function end_call();
drop function set_caller(jsonb);
drop function require_time_left(timestamptz);
drop table idempotency_keys;
alter table users drop column last_task_id, drop column last_change, drop column sign_up_key;
select setval(pg_get_serial_sequence('tasks', 'id'), (select coalesce(max(id), 0) + 1 from tasks), false);
