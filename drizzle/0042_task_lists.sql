-- expand
-- Lists read a bounded number of tasks, however many a person has: each order has indexes in which tasks stand in that order, of
-- each state by itself (docs/finding.md). What is due on a day and what is due at a moment have one each, as the moment at which a
-- day begins is not the same in every time zone; a list merges them. The expressions are those of src/tasks/task-order.ts.
-- Measured with 100,000 tasks: 2 s, in which writes to tasks wait.

-- As a moment, when a day begins by the person's clock; one that the clock skips comes just before the next.
create function day_moment(day date) returns timestamptz
language sql stable parallel safe
return least(
  day::timestamp at time zone current_setting('app.time_zone'),
  (day + 1)::timestamp at time zone current_setting('app.time_zone') - interval '1 millisecond'
);

-- The last day that begins no later than a moment.
create function day_until(moment timestamptz) returns date
language sql stable parallel safe
return (
  select case
    when day_moment(shown + 1) <= moment then shown + 1
    when day_moment(shown) <= moment then shown
    else shown - 1
  end
  from (select (moment at time zone current_setting('app.time_zone'))::date as shown) as clock
);

create index tasks_due_days_idx on tasks (
  user_id,
  (case when deleted_at is not null then 'deleted' when status in ('pending', 'in_progress') then 'open' else status end),
  (case when due_date is null then 'infinity'::date else due_date end),
  id
) where due_at is null;
create index tasks_due_moments_idx on tasks (
  user_id,
  (case when deleted_at is not null then 'deleted' when status in ('pending', 'in_progress') then 'open' else status end),
  due_at,
  id
) where due_at is not null;
create index tasks_priority_days_idx on tasks (
  user_id,
  (case when deleted_at is not null then 'deleted' when status in ('pending', 'in_progress') then 'open' else status end),
  (case priority when 'urgent' then 1 when 'high' then 2 when 'medium' then 3 when 'low' then 4 else 5 end),
  (case when due_date is null then 'infinity'::date else due_date end),
  id
) where due_at is null;
create index tasks_priority_moments_idx on tasks (
  user_id,
  (case when deleted_at is not null then 'deleted' when status in ('pending', 'in_progress') then 'open' else status end),
  (case priority when 'urgent' then 1 when 'high' then 2 when 'medium' then 3 when 'low' then 4 else 5 end),
  due_at,
  id
) where due_at is not null;
create index tasks_ready_days_idx on tasks (
  user_id,
  (case when due_date is null then 'infinity'::date else due_date end),
  (case priority when 'urgent' then 1 when 'high' then 2 when 'medium' then 3 when 'low' then 4 else 5 end),
  id
) where due_at is null
  and case when deleted_at is not null then 'deleted' when status in ('pending', 'in_progress') then 'open' else status end = 'open';
create index tasks_ready_moments_idx on tasks (
  user_id,
  due_at,
  (case priority when 'urgent' then 1 when 'high' then 2 when 'medium' then 3 when 'low' then 4 else 5 end),
  id
) where due_at is not null
  and case when deleted_at is not null then 'deleted' when status in ('pending', 'in_progress') then 'open' else status end = 'open';
create index tasks_created_idx on tasks (
  user_id,
  (case when deleted_at is not null then 'deleted' when status in ('pending', 'in_progress') then 'open' else status end),
  id
);
create index tasks_updated_idx on tasks (
  user_id,
  (case when deleted_at is not null then 'deleted' when status in ('pending', 'in_progress') then 'open' else status end),
  updated_at,
  id
);
create index tasks_position_idx on tasks (
  user_id,
  (case when deleted_at is not null then 'deleted' when status in ('pending', 'in_progress') then 'open' else status end),
  (case when position is null then id else position end),
  id
);
create index tasks_completed_idx on tasks (user_id, completed_at, id) where completed_at is not null and deleted_at is null;
create index tasks_taken_idx on tasks (user_id, id) where (status = 'in_progress' or claimed_until is not null) and deleted_at is null;

-- Each write paid for them, and those above stand in their place.
drop index tasks_user_id_status_idx;
drop index tasks_user_id_updated_at_idx;

-- The tags of each task as they are compared: an index of an array is not used behind row-level security, as the operators of arrays
-- are not leakproof. A trigger keeps them.
create table task_tags (
  user_id integer not null,
  tag text collate "C" not null,
  task_id integer not null,
  is_open boolean not null,
  primary key (user_id, tag, task_id)
);
create index task_tags_open_idx on task_tags (user_id, tag, task_id) where is_open;

-- The words of each task's title and description, each behind its user's id: a search reads one person's alone.
create table task_words (
  user_id integer not null,
  task_id integer not null,
  words tsvector not null,
  primary key (user_id, task_id),
  foreign key (user_id, task_id) references tasks (user_id, id) on delete cascade
);
-- Without a list of what is still to be added, which each search would read and some write empty.
create index task_words_idx on task_words using gin (words) with (fastupdate = off);

-- The words of a text that search_text has made: its runs of letters and digits. A script that has no spaces between words has one
-- for each character, with those behind it.
do $migration$
begin
  execute format(
    $function$
      create function words_of(searched text) returns text[]
      language sql immutable strict parallel safe
      return (
        select coalesce(array_agg(distinct left(word, 40)), '{}')
        from (
          select run as word from regexp_split_to_table(searched collate pg_catalog.%1$I, '[^[:alnum:]]+') as run where run <> ''
          union all
          select substr(searched, place, 8)
          from generate_series(1, case when searched ~ '[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]' then char_length(searched) end) as place
          where substr(searched, place, 1) ~ '[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]'
        ) as split
      )
    $function$,
    coalesce((select collname from pg_collation where collname = 'und-x-icu' limit 1), 'default')
  );
end
$migration$;

create function task_words_of(owner_id integer, searched text) returns tsvector
language sql immutable strict parallel safe
return (select array_to_tsvector(coalesce(array_agg(owner_id || ':' || word), '{}')) from unnest(words_of(searched)) as word);

-- What a search looks for: the beginnings of all its words. Null where it has none, such as a search for a sign.
create function words_sought(owner_id integer, search text[]) returns tsquery
language sql immutable strict parallel safe
return (
  select string_agg(format('''%s:%s'':*', owner_id, left(run, 40)), ' & ')::tsquery
  from unnest(search) as word, unnest(case
    when search_text(word) ~ '[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]' then array[left(search_text(word), 8)]
    else words_of(search_text(word))
  end) as run
  where run !~ '[''\\]'
);

-- The person's tasks with words that begin like those of a search, so many at most and in no order. Of the person whose call it is:
-- row-level security would keep the index from being used.
create function tasks_with_words(search text[], most integer) returns setof integer
language plpgsql stable security definer rows 100
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
declare
  owner_id constant integer := public.current_user_id();
  sought constant tsquery := public.words_sought(owner_id, search);
begin
  if sought is not null then
    return query select task_id from public.task_words where words @@ sought and user_id = owner_id limit most;
  end if;
end
$$;

create function keep_tags_and_words() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  is_open constant boolean := new.deleted_at is null and new.status in ('pending', 'in_progress');
begin
  if tg_op = 'UPDATE' and old.searched_tags <> '{}' then
    if old.searched_tags is distinct from new.searched_tags then
      delete from public.task_tags
      where user_id = new.user_id and tag = any (old.searched_tags) and task_id = new.id and tag <> all (new.searched_tags);
    end if;
  end if;
  if new.searched_tags <> '{}' then
    insert into public.task_tags as kept (user_id, tag, task_id, is_open)
    select distinct new.user_id, tag, new.id, is_open from unnest(new.searched_tags) as tag
    on conflict (user_id, tag, task_id) do update set is_open = excluded.is_open where kept.is_open <> excluded.is_open;
  end if;
  if tg_op = 'INSERT' or old.searched_text is distinct from new.searched_text then
    insert into public.task_words (user_id, task_id, words)
    values (new.user_id, new.id, public.task_words_of(new.user_id, new.searched_text))
    on conflict (user_id, task_id) do update set words = excluded.words;
  end if;
  return null;
end
$$;

create function drop_tags() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  delete from public.task_tags using gone
  where task_tags.user_id = gone.user_id and task_tags.tag = any (gone.searched_tags) and task_tags.task_id = gone.id;
  return null;
end
$$;

create trigger tasks_keep_new_tags_and_words after insert on tasks
  for each row execute function keep_tags_and_words();
create trigger tasks_keep_tags_and_words after update on tasks
  for each row when (
    old.searched_text is distinct from new.searched_text or old.searched_tags is distinct from new.searched_tags
    or (old.status in ('pending', 'in_progress') and old.deleted_at is null)
      <> (new.status in ('pending', 'in_progress') and new.deleted_at is null)
  ) execute function keep_tags_and_words();
create trigger tasks_drop_tags after delete on tasks
  referencing old table as gone for each statement execute function drop_tags();

alter table task_tags enable row level security;
alter table task_words enable row level security;
create policy task_tags_own on task_tags to task_worker using (user_id = (select current_user_id()));
create policy task_words_own on task_words to task_worker using (user_id = (select current_user_id()));
grant select on task_tags to task_worker;
grant select on task_words to task_worker;
revoke execute on function tasks_with_words(text[], integer) from public;
grant execute on function tasks_with_words(text[], integer) to task_worker;
revoke execute on function keep_tags_and_words() from public;
revoke execute on function drop_tags() from public;
