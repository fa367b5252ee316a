-- expand
-- A call may be about several tasks: which of them it did not change, and why, is kept with its key, for a repeat to tell. Each is
-- {"task_id" or "index", "why", …}; what else it has depends on "why". Null of a call about one task.
alter table idempotency_keys add column refused jsonb;

-- Keeps what a call does not change, for end_call. Where it is to change all or nothing it raises TS006, with the constraint "items"
-- and {"refused", "time_zone"} as the detail. A task that is as it is to be already is no failure.
create function keep_refused(refused jsonb, is_atomic boolean) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if is_atomic and exists (select from jsonb_array_elements(refused) as item where item ->> 'why' <> 'unchanged') then
    raise exception 'not all can be done' using errcode = 'TS006', constraint = 'items',
      detail = jsonb_build_object('refused', refused, 'time_zone', current_setting('app.time_zone', true))::text;
  end if;
  perform set_config('app.refused', refused::text, true);
end
$$;

-- As before, and keeps what was refused, and returns it.
create or replace function end_call() returns jsonb
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  caller_id constant integer := public.current_user_id();
  call constant jsonb := current_setting('app.call')::jsonb;
  write constant jsonb := call -> 'write';
  outcome constant jsonb := current_setting('app.outcome')::jsonb;
  refused constant jsonb := nullif(current_setting('app.refused', true), '')::jsonb;
  changes constant boolean := jsonb_array_length(outcome) > 0;
  change constant bigint := case when changes then current_setting('app.change')::bigint end;
begin
  -- The user is not there any more where the call deleted the account.
  if (changes or (write ->> 'is_kept')::boolean) and exists (select from public.users where id = caller_id) then
    insert into public.idempotency_keys (user_id, key, tool, input_hash, change, outcome, refused)
    values (caller_id, write ->> 'key', write ->> 'tool', write ->> 'input_hash', change, outcome, refused)
    -- One that has expired.
    on conflict (user_id, key) do update
    set tool = excluded.tool, input_hash = excluded.input_hash, change = excluded.change, outcome = excluded.outcome,
      refused = excluded.refused, created_at = excluded.created_at;
    if change % 50 = 0 then
      perform public.shorten_older_outcomes(caller_id);
    end if;
  end if;
  perform public.delete_expired_keys();
  perform public.require_time_left((call ->> 'deadline')::timestamptz);
  return jsonb_build_object('change', change, 'outcome', outcome, 'refused', refused);
end
$$;

revoke execute on function keep_refused(jsonb, boolean) from public;
grant execute on function keep_refused(jsonb, boolean) to task_worker;
