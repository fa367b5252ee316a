create or replace function end_call() returns jsonb
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  caller_id constant integer := public.current_user_id();
  call constant jsonb := current_setting('app.call')::jsonb;
  write constant jsonb := call -> 'write';
  outcome constant jsonb := current_setting('app.outcome')::jsonb;
  changes constant boolean := jsonb_array_length(outcome) > 0;
  change constant bigint := case when changes then current_setting('app.change')::bigint end;
begin
  if changes then
    update public.users set last_change = change where id = caller_id;
  end if;
  -- The user is not there any more where the call deleted the account.
  if (changes or (write ->> 'is_kept')::boolean) and exists (select from public.users where id = caller_id) then
    delete from public.idempotency_keys as expired
    where expired.user_id = caller_id and expired.key in (
      select old.key from public.idempotency_keys as old
      where old.user_id = caller_id and old.created_at <= now() - interval '24 hours'
      order by old.created_at limit 20
    );
    insert into public.idempotency_keys (user_id, key, tool, input_hash, change, outcome)
    values (caller_id, write ->> 'key', write ->> 'tool', write ->> 'input_hash', change, outcome)
    -- One that has expired.
    on conflict (user_id, key) do update
    set tool = excluded.tool, input_hash = excluded.input_hash, change = excluded.change, outcome = excluded.outcome,
      created_at = excluded.created_at;
  end if;
  perform public.require_time_left((call ->> 'deadline')::timestamptz);
  return jsonb_build_object('change', change, 'outcome', outcome);
end
$$;

drop function require_sign_ups_left(text, integer);
drop function shorten_older_outcomes(integer);
drop function shorten_outcome(jsonb);
drop function delete_expired_keys();
drop index idempotency_keys_expires_at_idx;
drop function key_expires_at(text, timestamptz);
