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

drop function with_references(integer, jsonb);
drop trigger tasks_hold_inserted_to_levels on tasks;
drop trigger tasks_hold_updated_to_levels on tasks;
drop trigger tasks_require_references_inserted on tasks;
drop trigger tasks_require_references_updated on tasks;
drop function hold_to_levels();
drop function require_references();
drop function raise_reference(text, jsonb);
alter table tasks drop column parent_id, drop column discovered_from;
