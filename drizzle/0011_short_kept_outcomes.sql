-- expand
-- What calls have come to is kept no longer and no larger than a repeat needs. The server repeats a call of its own key
-- within seconds; its caller may repeat theirs for 24 hours.

-- Nothing in it depends on a setting, so that an index can hold it.
create function key_expires_at(key text, created_at timestamptz) returns timestamptz
language sql immutable strict parallel safe
return (
  created_at at time zone 'UTC' + case when key like 'server:%' then interval '10 minutes' else interval '24 hours' end
) at time zone 'UTC';

create index idempotency_keys_expires_at_idx on idempotency_keys (key_expires_at(key, created_at));

-- Deletes a few keys of anybody that have expired: more than a call keeps, so that none stays while anybody writes. It
-- waits for nobody.
create function delete_expired_keys() returns void
language sql security definer
set search_path = pg_catalog, pg_temp
as $$
  with expired as materialized (
    select user_id, key from public.idempotency_keys
    where public.key_expires_at(key, created_at) <= now()
    order by public.key_expires_at(key, created_at)
    limit 20 for update skip locked
  )
  delete from public.idempotency_keys as old using expired
  where old.user_id = expired.user_id and old.key = expired.key
$$;

-- As much of an outcome as names the tasks, in the shape that every release reads, and marked.
create function shorten_outcome(outcome jsonb) returns jsonb
language sql immutable strict
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(jsonb_agg(
    change || jsonb_build_object(
      'shortened', true,
      'task', change -> 'task' || jsonb_build_object(
        'title', left(change #>> '{task,title}', 80), 'description', '', 'tags', '[]'::jsonb
      )
    ) order by place
  ), '[]')
  from jsonb_array_elements(outcome) with ordinality as listed (change, place)
$$;

-- Keeps a person's newest outcomes whole, as far as 4 MB go and 1,000 changes at most, and shortens those before them. One
-- of 1,000 bytes or less is short as it is. Every 50th change asks for it, so that 50 more are looked at than stay.
create function shorten_older_outcomes(owner_id integer) returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  most_bytes constant integer := 4000000;
  most_changes constant integer := 1000;
  short constant integer := 1000;
begin
  update public.idempotency_keys as kept set outcome = public.shorten_outcome(kept.outcome)
  from (
    select key, size, row_number() over newest as place, sum(size) filter (where size > short) over newest as bytes
    from (
      select key, created_at, pg_column_size(outcome) as size from public.idempotency_keys
      where user_id = owner_id and change is not null
      order by created_at desc limit most_changes + 50
    ) as latest
    window newest as (order by created_at desc, key)
  ) as own
  where kept.user_id = owner_id and kept.key = own.key
    and own.size > short and (own.place > most_changes or own.bytes > most_bytes);
end
$$;

-- As before, and nothing is kept for long. The key is kept before others are deleted: a call that waited for its key when
-- it had deleted those of others could deadlock.
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
    insert into public.idempotency_keys (user_id, key, tool, input_hash, change, outcome)
    values (caller_id, write ->> 'key', write ->> 'tool', write ->> 'input_hash', change, outcome)
    -- One that has expired.
    on conflict (user_id, key) do update
    set tool = excluded.tool, input_hash = excluded.input_hash, change = excluded.change, outcome = excluded.outcome,
      created_at = excluded.created_at;
    if change % 50 = 0 then
      perform public.shorten_older_outcomes(caller_id);
    end if;
  end if;
  perform public.delete_expired_keys();
  perform public.require_time_left((call ->> 'deadline')::timestamptz);
  return jsonb_build_object('change', change, 'outcome', outcome);
end
$$;

-- Raises TS003 where an address has made its accounts of today: asked before a password is hashed for another. Two at
-- once may both pass; sign_up counts.
create function require_sign_ups_left(address text, address_maximum integer) returns void
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if exists (
    select from public.daily_counts
    where day = public.utc_today() and kind = 'sign_ups' and subject = address and amount >= address_maximum
  ) then
    perform public.raise_limit('sign_ups', address_maximum);
  end if;
end
$$;

revoke execute on function require_sign_ups_left(text, integer) from public;
grant execute on function require_sign_ups_left(text, integer) to task_worker;
revoke execute on function key_expires_at(text, timestamptz) from public;
revoke execute on function delete_expired_keys() from public;
revoke execute on function shorten_outcome(jsonb) from public;
revoke execute on function shorten_older_outcomes(integer) from public;
