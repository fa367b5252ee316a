-- expand
-- What list_tasks searches is kept in each task as it is compared, by the database itself: the release before writes it
-- too. To fold texts while searching took seconds for 10,000 tasks. Tasks that are there get theirs by 0007.

-- A text as it is compared: whatever its case and its accents, and however those are encoded. What is part of a text is
-- part of it then as well. Not in the database's own collation, because the one that is called C knows no letters but
-- ASCII's; a PostgreSQL without ICU has no other. Decomposing and regular expressions take 0.5 ms for a thousand
-- characters, so that they are left out where there are no other characters than ASCII, dashes, quotation marks,
-- ideographs and emojis, none of which can be decomposed.
do $migration$
begin
  execute format(
    $function$
      create function search_text(value text) returns text
      language sql immutable strict parallel safe
      return case
        when octet_length(value) = char_length(value) or value !~ '[^\u0001-\u007f\u2012-\u2016\u2018-\u2023\u4e00-\u9fff'
          '\U0001f000-\U0001f0ff\U0001f300-\U0001faff]'
        then lower(value collate pg_catalog.%1$I)
        else replace(replace(replace(replace(replace(replace(replace(replace(
          regexp_replace(
            lower(normalize(value, nfkd) collate pg_catalog.%1$I),
            -- Accents, Hebrew points, Arabic vowels, and what nobody sees.
            '[\u00ad\u0300-\u036f\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u064b-\u065f\u0670'
              '\u1ab0-\u1aff\u1dc0-\u1dff\u200b-\u200f\u2060\u20d0-\u20ff\ufe00-\ufe0f\ufe20-\ufe2f\ufeff]+',
            '', 'g'
          ),
          'ł', 'l'), 'ø', 'o'), 'đ', 'd'), 'ı', 'i'), 'ς', 'σ'), 'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe')
      end
    $function$,
    coalesce((select collname from pg_collation where collname = 'und-x-icu' limit 1), 'default')
  );
end
$migration$;

create function search_tags(tags text[]) returns text[]
language sql immutable strict parallel safe
return array(select search_text(tag) from unnest(tags) as tag);

alter table tasks
  add column searched_text text,
  add column searched_tags text[];

create function keep_searched() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  new.searched_text := public.search_text(new.title || ' ' || new.description);
  new.searched_tags := public.search_tags(new.tags);
  return new;
end
$$;

create trigger tasks_keep_searched
  before insert or update of title, description, tags, searched_text, searched_tags on tasks
  for each row execute function keep_searched();

-- As it was, and what is kept for searching is no part of what happened to a task.
create or replace function gather_task_changes() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  gathered jsonb;
begin
  if coalesce(current_setting('app.change', true), '') = '' then
    if tg_op = 'INSERT' then
      insert into public.idempotency_keys (user_id, key, tool, outcome)
      select
        user_id, 'caller:' || idempotency_key, 'create_task',
        jsonb_build_array(jsonb_build_object(
          'operation', 'insert', 'completed', status = 'completed',
          'task', to_jsonb(changed) - 'user_id' - 'idempotency_key' - 'searched_text' - 'searched_tags'
        ))
      from changed
      where idempotency_key is not null
      on conflict do nothing;
    end if;
    return null;
  end if;
  -- The tasks of an account that is being deleted go with it, however many there are.
  if tg_op = 'DELETE' and not exists (select from public.users where id = public.current_user_id()) then
    return null;
  end if;
  if tg_op = 'UPDATE' then
    select jsonb_agg(
      jsonb_build_object(
        'operation', 'update',
        'completed', changed.status = 'completed' and before.status <> 'completed',
        'task', to_jsonb(changed) - 'user_id' - 'idempotency_key' - 'searched_text' - 'searched_tags'
      ) order by changed.id
    ) into gathered
    from changed join before using (user_id, id);
  else
    select jsonb_agg(
      jsonb_build_object(
        'operation', lower(tg_op),
        'completed', tg_op = 'INSERT' and status = 'completed',
        'task', to_jsonb(changed) - 'user_id' - 'idempotency_key' - 'searched_text' - 'searched_tags'
      ) order by id
    ) into gathered
    from changed;
  end if;
  if gathered is not null then
    perform set_config('app.outcome', (current_setting('app.outcome')::jsonb || gathered)::text, true);
  end if;
  return null;
end
$$;

revoke execute on function keep_searched() from public;
