drop trigger tasks_require_references_inserted on tasks;
drop trigger tasks_require_references_updated on tasks;
create trigger tasks_require_references_inserted after insert on tasks
  for each row when (
    (new.parent_id is not null or new.discovered_from is not null) and current_setting('app.undoes', true) is distinct from 'on'
  ) execute function require_references();
create trigger tasks_require_references_updated after update on tasks
  for each row when (
    (new.parent_id is distinct from old.parent_id or new.discovered_from is distinct from old.discovered_from)
    and current_setting('app.undoes', true) is distinct from 'on'
  ) execute function require_references();

create or replace function require_references() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  field text;
  referred integer;
begin
  for field, referred in
    select * from (values ('parent_id', new.parent_id), ('discovered_from', new.discovered_from)) as given (field, id)
    where id is not null
  loop
    if tg_op = 'UPDATE' and (to_jsonb(old) ->> field)::integer is not distinct from referred then
      continue;
    elsif tg_op = 'UPDATE' and referred = new.id then
      perform public.raise_reference(field, jsonb_build_object('problem', 'itself', 'task_id', new.id));
    elsif tg_op = 'INSERT' and referred = new.id or not exists (
      select from public.tasks where user_id = new.user_id and id = referred and deleted_at is null
    ) then
      perform public.raise_reference(field, jsonb_build_object('problem', 'missing', 'id', referred));
    end if;
  end loop;
  return null;
end
$$;

create or replace function with_references(owner_id integer, outcome jsonb) returns jsonb
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if not outcome @? '$[*].task ? (@.parent_id != null || @.discovered_from != null)' then
    return outcome;
  end if;
  return (
    select jsonb_agg(
      case when referred.ids = '{}' then done else
        jsonb_set(done, '{task,references}', jsonb_build_object('there', (
          select coalesce(jsonb_agg(id), '[]') from public.tasks
          where user_id = owner_id and id = any (referred.ids) and deleted_at is null
        )))
      end order by place
    )
    from jsonb_array_elements(outcome) with ordinality as listed (done, place)
    cross join lateral (
      select array_remove(
        array[(done #>> '{task,parent_id}')::integer, (done #>> '{task,discovered_from}')::integer], null
      ) as ids
    ) as referred
  );
end
$$;

drop trigger tasks_keep_inserted_blockers on tasks;
drop trigger tasks_keep_updated_blockers on tasks;
drop trigger tasks_hold_inserted_to_waiting on tasks;
drop trigger tasks_hold_updated_to_waiting on tasks;
drop function keep_blockers();
drop function hold_to_waiting();
drop table task_blockers;
alter table tasks drop column blocked_by;
