-- Deletes the user of this transaction with everything that is his. The worker's role may not delete from users: only
-- this, and only after set_caller has checked the token.
create function delete_account() returns void
language sql security definer
set search_path = pg_catalog, pg_temp
as $$
  delete from public.users where id = public.current_user_id()
$$;

revoke execute on function delete_account() from public;
grant execute on function delete_account() to task_worker;
