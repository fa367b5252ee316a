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
          'task', to_jsonb(changed) - 'user_id' - 'idempotency_key'
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
        'task', to_jsonb(changed) - 'user_id' - 'idempotency_key'
      ) order by changed.id
    ) into gathered
    from changed join before using (user_id, id);
  else
    select jsonb_agg(
      jsonb_build_object(
        'operation', lower(tg_op),
        'completed', tg_op = 'INSERT' and status = 'completed',
        'task', to_jsonb(changed) - 'user_id' - 'idempotency_key'
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

drop trigger tasks_keep_searched on tasks;
drop function keep_searched();
alter table tasks drop column searched_text, drop column searched_tags;
drop function search_tags(text[]);
drop function search_text(text);
