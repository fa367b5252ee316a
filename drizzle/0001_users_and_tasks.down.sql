drop table tasks;
drop table revoked_tokens;
drop table users;
drop function find_credentials(text);
drop function sign_up(text, text, text, text);
drop function set_caller(integer, uuid, timestamptz);
drop function current_user_id();
drop function tags_are_valid(text[]);

revoke select on schema_migrations from task_worker;
revoke usage on schema public from task_worker;

-- The role stays while another database of the cluster still grants it something, or another owner made it.
do $$
begin
  drop role task_worker;
exception
  when dependent_objects_still_exist or insufficient_privilege then null;
end
$$;
