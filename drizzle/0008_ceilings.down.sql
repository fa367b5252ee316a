drop function count_chat_tokens(text, bigint);
drop function check_chat_tokens(text, jsonb, boolean);
drop function sign_up(text, text, text, text, uuid, timestamptz, text, integer);
drop function count_today(text, text, bigint);
drop table daily_counts;
drop table mcp_sessions;
drop trigger conversations_limit on conversations;
drop function limit_conversations();
drop trigger tasks_count_deleted on tasks;
drop function count_deleted_tasks();

create or replace function assign_task_id() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  update public.users set last_task_id = last_task_id + 1 where id = new.user_id returning last_task_id into new.id;
  if not found then
    raise exception 'there is no user %', new.user_id using errcode = 'foreign_key_violation';
  end if;
  return new;
end
$$;

drop function raise_limit(text, bigint);
alter table users drop column task_count;
