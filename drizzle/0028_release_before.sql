-- expand
-- What the release before does to tasks meets claims without an error, and leaves no gap in the numbers of changes.

-- As before, and a call of the release before, which says nothing of itself, leaves a task whose claim is live as it is: that
-- release takes every error that it does not know for one of ours, and answers 500. A change that finds no row is a conflict to it.
create or replace function hold_to_claim() returns trigger
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
    elsif is_live and call is null then
      return null;
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

-- As before, and past the worker too the number is taken only where something is logged under it (log_task_changes); until then the
-- lock of the user's row keeps it. The release before repeats a create by an insert that meets the task of its key: its row is
-- numbered, and never comes.
create or replace function change_number(owner_id integer) returns bigint
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  of_call constant text := nullif(current_setting('app.change', true), '');
  taken constant jsonb := coalesce(nullif(current_setting('app.taken_changes', true), ''), '{}')::jsonb;
  number bigint := (taken ->> owner_id::text)::bigint;
begin
  if of_call is not null and owner_id = public.current_user_id() then
    return of_call::bigint;
  end if;
  if number is null then
    select last_change + 1 into number from public.users where id = owner_id for no key update;
    if found then
      perform set_config('app.taken_changes', (taken || jsonb_build_object(owner_id, number))::text, true);
    end if;
  end if;
  return number;
end
$$;
