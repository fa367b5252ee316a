create or replace function tasks_with_words(search text[], most integer) returns setof integer
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

drop function tasks_with_words(tsquery, integer);

create or replace function words_sought(owner_id integer, search text[]) returns tsquery
language sql immutable strict parallel safe
return (
  select string_agg(format('''%s:%s'':*', owner_id, left(run, 40)), ' & ')::tsquery
  from unnest(search) as word, unnest(case
    when search_text(word) ~ '[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]' then array[left(search_text(word), 8)]
    else words_of(search_text(word))
  end) as run
  where run !~ '[''\\]'
);
