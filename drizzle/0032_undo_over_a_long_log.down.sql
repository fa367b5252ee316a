create or replace function standing_changes(owner_id integer, changed_task_id integer, undone bigint, watched text[]) returns jsonb
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  most_named constant integer := 10;
  -- By field, the change from which on all is cancelled out.
  cancelled jsonb := '{}';
  standing jsonb := '[]';
  marked text[];
  later record;
begin
  for later in
    select logged.change, logged.operation, logged.before, logged.after, changes.undoes
    from public.task_changes as logged
    join public.changes on changes.user_id = logged.user_id and changes.change = logged.change
    where logged.user_id = owner_id and logged.task_id = changed_task_id and logged.change > undone
    order by logged.change desc
  loop
    select array_agg(field order by field) into marked
    from unnest(public.fields_of(public.undone_columns(later.before, later.after))) as field
    where (watched is null or field = any (watched))
      and (cancelled -> field is null or later.change < (cancelled ->> field)::bigint);
    if marked is null then
      continue;
    elsif later.undoes > undone then
      select cancelled || jsonb_object_agg(field, later.undoes) into cancelled from unnest(marked) as field;
    else
      standing := standing || jsonb_build_object(
        'change', later.change, 'operation', later.operation, 'fields', marked, 'undoes', later.undoes,
        'title', coalesce(later.after, later.before) -> 'title'
      );
      exit when jsonb_array_length(standing) = most_named;
    end if;
  end loop;
  return standing;
end
$$;
