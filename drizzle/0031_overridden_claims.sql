-- expand
-- What the log says of claims that a person has overridden, it says of each task: a call may override several. changes.overrode,
-- which has one of them, stays as it is until no release reads it.
alter table task_changes add column overrode bigint;

update task_changes set overrode = changes.overrode
from changes
where changes.overrode is not null
  and task_changes.user_id = changes.user_id and task_changes.change = changes.change
  and task_changes.before ->> 'claimed_until' is not null;

create function note_overridden_claim() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  call constant jsonb := nullif(current_setting('app.call', true), '')::jsonb;
begin
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
  for each row when (new.before ->> 'claimed_until' is not null and new.overrode is null)
  execute function note_overridden_claim();
