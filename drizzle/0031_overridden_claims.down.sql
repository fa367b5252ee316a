drop trigger task_changes_note_overridden_claim on task_changes;
drop function note_overridden_claim();
alter table task_changes drop column overrode;
