-- expand
-- Words are found without reading all that a person has: beside the index of words PostgreSQL read that of their tasks as well, each time
-- from beginning to end. Measured with 100,000 tasks: a word of an eighth of them in 2 ms in place of 8, a rare one in 0.2 in place of 6.

-- As before. In a language that keeps its plans: one that is planned with each call took 1 ms to.
create or replace function words_sought(owner_id integer, search text[]) returns tsquery
language plpgsql immutable strict parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select string_agg(format('''%s:%s'':*', owner_id, left(run, 40)), ' & ')::tsquery
    from unnest(search) as word, unnest(case
      when public.search_text(word) ~ '[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]' then array[left(public.search_text(word), 8)]
      else public.words_of(public.search_text(word))
    end) as run
    where run !~ '[''\\]'
  );
end
$$;

-- The person's tasks with the words that `words_sought` has made, so many at most and in no order. Of the person whose call it is:
-- row-level security would keep the index from being used. All words stand behind their person's id; whose they are is looked at once
-- the index has found them, as there is an index for that too.
create function tasks_with_words(sought tsquery, most integer) returns setof integer
language plpgsql stable security definer rows 100
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
declare
  owner_id constant integer := public.current_user_id();
begin
  if sought is not null then
    return query select found.task_id
      from (select user_id, task_id from public.task_words where words @@ sought offset 0) as found
      where found.user_id = owner_id limit most;
  end if;
end
$$;

-- For the release before.
create or replace function tasks_with_words(search text[], most integer) returns setof integer
language sql stable rows 100
set search_path = pg_catalog, pg_temp
as $$
  select public.tasks_with_words(public.words_sought(public.current_user_id(), search), most)
$$;

revoke execute on function tasks_with_words(tsquery, integer) from public;
grant execute on function tasks_with_words(tsquery, integer) to task_worker;
