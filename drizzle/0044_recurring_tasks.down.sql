drop index tasks_recurring;
