do $migration$
begin
  execute format(
    $function$
      create or replace function words_of(searched text) returns text[]
      language sql immutable strict parallel safe
      return (
        select coalesce(array_agg(distinct left(word, 40)), '{}')
        from (
          select run as word from regexp_split_to_table(searched collate pg_catalog.%1$I, '[^[:alnum:]]+') as run where run <> ''
          union all
          select substr(searched, place, 8)
          from generate_series(1, case when searched ~ '[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]' then char_length(searched) end) as place
          where substr(searched, place, 1) ~ '[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]'
        ) as split
      )
    $function$,
    coalesce((select collname from pg_collation where collname = 'und-x-icu' limit 1), 'default')
  );
end
$migration$;
