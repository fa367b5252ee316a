-- expand
-- Gives the tasks that are there what is searched in them. Measured with 100,000 tasks of a thousand characters, a tenth
-- of them with accents: folding took 10 s, which is done first and holds up nobody; writing took 11 s, in which reads go
-- on and writes to tasks wait. What has been written since the folding started has its own already.
create temporary table folded on commit drop as
select user_id, id, search_text(title || ' ' || description) as searched_text, search_tags(tags) as searched_tags
from tasks
where searched_text is null;

alter table folded add primary key (user_id, id);
analyze folded;

lock table tasks in share row exclusive mode;

-- Nothing happens to a task here, and the rows before and after would all be gathered.
alter table tasks disable trigger user;

update tasks set searched_text = folded.searched_text, searched_tags = folded.searched_tags
from folded
where tasks.user_id = folded.user_id and tasks.id = folded.id and tasks.searched_text is null;

alter table tasks enable trigger user;
