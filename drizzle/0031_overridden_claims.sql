-- expand
-- What the log says of claims that a person has overridden, it says of each task: a call may override several. changes.overrode,
-- which has one of them, stays as it is until no release reads it.
alter table task_changes add column overrode bigint;

-- Where the change had one task that somebody held, the number is that task's.
with overridden as materialized (
  select user_id, change, overrode from changes where overrode is not null
)
update task_changes as logged set overrode = overridden.overrode
from overridden
where logged.user_id = overridden.user_id and logged.change = overridden.change
  and logged.before ->> 'claimed_until' is not null
  and not exists (
    select from task_changes as other
    where other.user_id = logged.user_id and other.change = logged.change and other.task_id <> logged.task_id
      and other.before ->> 'claimed_until' is not null
  );

create function note_overridden_claim() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  call constant jsonb := nullif(current_setting('app.call', true), '')::jsonb;
begin
  if new.operation = 'baseline' then
    -- What a row that the history now begins with did before is told no more.
    new.overrode := null;
    return new;
  end if;
  -- As hold_to_claim, which has let it pass.
  if call #>> '{write,claim}' is null and (new.before ->> 'claimed_until')::timestamptz > public.claim_clock() then
    new.overrode := (call #>> array['write', 'overrides', new.task_id::text])::bigint;
  end if;
  return new;
end
$$;
revoke execute on function note_overridden_claim() from public;

-- A claim that goes on is in no image before an update.
create trigger task_changes_note_overridden_claim before insert or update on task_changes
  for each row when (
    case when new.operation = 'baseline' then new.overrode is not null
      else new.before ->> 'claimed_until' is not null and new.overrode is null end
  )
  execute function note_overridden_claim();
