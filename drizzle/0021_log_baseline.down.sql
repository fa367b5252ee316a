delete from task_changes where operation = 'baseline';
delete from changes where via = 'migration';
update users set log_baseline = 0;
