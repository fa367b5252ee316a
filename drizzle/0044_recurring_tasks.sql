-- expand
-- Finds the tasks of a person that recur, which are few.
create index tasks_recurring on tasks (user_id, id) where recurrence is not null;
