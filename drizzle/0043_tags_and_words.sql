-- expand
-- Gives the tasks that are there their tags and words, in tables of their own (0042). What has been written since has them already.
-- Reads go on, and a write to a task that has just been given its words waits.
insert into task_tags (user_id, tag, task_id, is_open)
select distinct user_id, tag, id, deleted_at is null and status in ('pending', 'in_progress')
from tasks, unnest(searched_tags) as tag
on conflict do nothing;

insert into task_words (user_id, task_id, words)
select user_id, id, task_words_of(user_id, searched_text) from tasks
on conflict do nothing;
