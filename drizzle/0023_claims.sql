-- expand
-- Claims: a task may be leased to one agent for some time. docs/claims.md says what holds of them.
-- "claim" is the number of the change that made the task's last claim; it only grows, and is never removed. "claimed_by" is who
-- holds it, null where it has ended: given back, overridden, or over with its task. "claimed_until" is null then too, and where the
-- claim has lapsed and that was counted. "claim_lapses" says how often a claim of the task has lapsed.
alter table tasks
  add column claim bigint,
  add column claimed_until timestamptz(3),
  add column claimed_by text,
  add column claim_lapses smallint not null default 0;

-- The number of the claim that a person has overridden with the change.
alter table changes add column overrode bigint;

-- By which claims are measured.
create function claim_clock() returns timestamptz
language sql volatile parallel safe
return clock_timestamp();

-- Who makes a call, as others are told who holds a claim: the name of a personal token, or the client's, or else how the call has
-- come.
create function claimant(call jsonb) returns text
language sql stable
set search_path = pg_catalog, pg_temp
return coalesce(
  case when call #>> '{credential,kind}' = 'personal' then (
    select name from public.personal_tokens
    where user_id = (call ->> 'user_id')::integer and id = (call #>> '{credential,id}')::uuid
  ) end,
  nullif(call #>> '{origin,client}', ''),
  case when call #>> '{credential,kind}' = 'oauth' then (
    select nullif(client_name, '') from public.oauth_grants
    where user_id = (call ->> 'user_id')::integer and id = call #>> '{credential,id}'
  ) end,
  nullif(call #>> '{origin,via}', ''),
  'sql'
);

-- Refuses a change of a task whose claim is in the way. The release before takes TS004 for what it raises itself: the task has
-- changed since. "given" is the number of the claim that the call has named, null where it named none.
create function raise_claim(task jsonb, given bigint) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  raise exception 'a claim is in the way' using
    errcode = 'TS004',
    constraint = 'claims',
    detail = jsonb_build_object(
      'task_id', task -> 'id', 'given', given, 'claim', task -> 'claim', 'claimed_by', task -> 'claimed_by',
      'claimed_until', task -> 'claimed_until', 'time_zone', current_setting('app.time_zone', true)
    )::text;
end
$$;

-- Holds everybody who acts as a user to the claim of the task that they change or delete:
--   * a call that names a claim (write.claim) is refused where that is not the task's last, or has ended;
--   * while a claim is live, a call that does not name it is refused, but for one of a person's who was shown that very claim and
--     has said yes (write.overrides: {"12": 41}, by chat or page).
-- A claim ends with the override, and when the task is finished or deleted. One that has lapsed and is taken, or whose task is
-- changed by others, is counted. The owner's SQL is not held: it has no user, and a migration must pass.
create function hold_to_claim() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  finished constant text[] := '{completed,cancelled}';
  acts_for_user constant boolean := coalesce(current_setting('app.user_id', true), '') <> '';
  call jsonb;
  given bigint;
  is_live boolean;
  is_lapsed boolean;
begin
  if tg_op = 'INSERT' then
    -- A task whose row was gone is restored, and no claim with it.
    new.claimed_until := null;
    new.claimed_by := null;
    return new;
  end if;
  if coalesce(current_setting('app.change', true), '') <> '' then
    call := current_setting('app.call')::jsonb;
    given := (call #>> '{write,claim}')::bigint;
  end if;
  is_live := coalesce(old.claimed_until > public.claim_clock(), false);
  is_lapsed := old.claimed_until is not null and not is_live;
  -- With an account go its tasks, claimed or not.
  if acts_for_user and exists (select from public.users where id = old.user_id) then
    if given is not null then
      if old.claimed_by is null or old.claim is distinct from given then
        perform public.raise_claim(to_jsonb(old), given);
      end if;
    elsif is_live then
      if call #>> '{origin,via}' in ('chat', 'page')
        and (call #>> array['write', 'overrides', old.id::text])::bigint = old.claim
      then
        perform set_config('app.overrode', old.claim::text, true);
        if tg_op = 'UPDATE' and new.claim is not distinct from old.claim then
          new.claimed_until := null;
          new.claimed_by := null;
        end if;
      else
        perform public.raise_claim(to_jsonb(old), null);
      end if;
    end if;
  end if;
  if tg_op = 'DELETE' then
    return old;
  end if;
  if new.claim is distinct from old.claim then
    -- One number stands for all that a call claims, and grows.
    new.claim := public.change_number(old.user_id);
    new.claimed_by := public.claimant(call);
    new.claim_lapses := old.claim_lapses + is_lapsed::integer;
  elsif is_lapsed and given is null and new.claimed_until is not distinct from old.claimed_until then
    new.claimed_until := null;
    new.claim_lapses := old.claim_lapses + 1;
  end if;
  if new.status = any (finished) or new.deleted_at is not null then
    new.claimed_until := null;
    new.claimed_by := null;
    new.claim_lapses := 0;
  end if;
  return new;
end
$$;

-- Triggers fire by their names: what this changes is in the log (tasks_number_change).
create trigger tasks_hold_to_claim before update or delete on tasks for each row execute function hold_to_claim();
create trigger tasks_hold_inserted_to_claim before insert on tasks
  for each row when (new.claimed_by is not null) execute function hold_to_claim();

create function note_override() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  new.overrode := nullif(current_setting('app.overrode', true), '')::bigint;
  return new;
end
$$;
create trigger changes_note_override before insert on changes for each row execute function note_override();

grant execute on function claim_clock() to task_worker;
revoke execute on function claimant(jsonb) from public;
revoke execute on function raise_claim(jsonb, bigint) from public;
revoke execute on function hold_to_claim() from public;
revoke execute on function note_override() from public;
