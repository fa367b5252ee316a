-- expand
-- How many of the day's tokens for chat are left under each budget, at the beginning of a turn: {"user_tokens",
-- "address_tokens", "total_tokens"}, negative where more was used. A turn is counted when it has ended, and would know
-- nothing of its own tokens until then.
create function chat_tokens_left(address text, budgets jsonb) returns jsonb
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
    'user_tokens', (budgets ->> 'user_tokens')::bigint - coalesce((
      select tokens from public.token_usage where user_id = public.current_user_id() and day = public.utc_today()
    ), 0),
    'address_tokens', (budgets ->> 'address_tokens')::bigint - coalesce((
      select amount from public.daily_counts
      where day = public.utc_today() and kind = 'chat_tokens' and subject = address
    ), 0),
    'total_tokens', (budgets ->> 'total_tokens')::bigint - coalesce((
      select sum(amount) from public.daily_counts where day = public.utc_today() and kind = 'total_chat_tokens'
    ), 0)
  )
$$;

revoke execute on function chat_tokens_left(text, jsonb) from public;
grant execute on function chat_tokens_left(text, jsonb) to task_worker;
