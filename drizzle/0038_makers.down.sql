create or replace function is_put_back(column_name text) returns boolean
language sql immutable parallel safe
return column_name <> all (
  '{id,version,created_at,updated_at,last_change,claim,claimed_until,claimed_by,claim_lapses}'::text[]
);

drop trigger tasks_note_maker on tasks;
drop trigger tasks_note_last_maker on tasks;
drop function note_maker();
drop function maker_of_changes();
alter table tasks drop column created_by, drop column changed_by;
