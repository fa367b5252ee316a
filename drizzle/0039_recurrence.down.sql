create or replace function fields_of(columns text[]) returns text[]
language sql immutable parallel safe
return (
  select coalesce(array_agg(distinct case name
    when 'due_date' then 'due'
    when 'due_at' then 'due'
    when 'scheduled_date' then 'scheduled'
    when 'scheduled_at' then 'scheduled'
    when 'completed_at' then 'status'
    when 'deleted_at' then 'deleted'
    else name
  end), '{}')
  from unnest(columns) as name
);

drop trigger tasks_make_next_of_updated on tasks;
drop trigger tasks_make_next_of_inserted on tasks;
drop trigger tasks_begin_another_series on tasks;
drop trigger tasks_begin_series on tasks;
drop function make_next_occurrences();
drop function begin_series();
drop function time_after_completion(text, timestamp, text);
drop function next_time(integer, text, text, text, text);
drop function keep_occurrences(integer, text, text);
drop function brought_occurrences(text, text);
drop function note_unknown(jsonb);
drop function wall_time(timestamptz, text, boolean);
drop function clock_of(integer);
drop table occurrences;
drop index tasks_series_occurrence_key;
alter table tasks
  drop column occurs_at,
  drop column occurrence,
  drop column series_start,
  drop column series,
  drop column recurrence_from,
  drop column recurrence;
