-- expand
-- Tags with others that come to them and without some, whatever the case of each; the order stays. A letter's case is that of
-- search_text (0006), whose collation knows all letters.
do $migration$
begin
  execute format(
    $function$
      create function edited_tags(tags text[], added text[], removed text[]) returns text[]
      language sql immutable strict parallel safe
      return (
        select coalesce(array_agg(tag order by place), '{}')
        from (
          select tag, place from unnest(tags) with ordinality as kept (tag, place)
          where lower(tag collate pg_catalog.%1$I) <> all (
            select lower(other collate pg_catalog.%1$I) from unnest(removed) as other
          )
          union all
          select tag, cardinality(tags) + place from unnest(added) with ordinality as new (tag, place)
          where lower(tag collate pg_catalog.%1$I) <> all (
            select lower(other collate pg_catalog.%1$I) from unnest(tags) as other
          )
        ) as edited
      )
    $function$,
    coalesce((select collname from pg_collation where collname = 'und-x-icu' limit 1), 'default')
  );
end
$migration$;
