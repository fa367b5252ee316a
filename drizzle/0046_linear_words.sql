-- expand
-- The words of a text are found in a time that grows with its length: in a script without spaces each was cut out of the text from its
-- beginning, which took the square of that. 20,000 of such words are kept at most, as a tsvector holds a megabyte: a text of 10,000
-- characters has more where some stand for several, as "㌖" does.
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
          (
            select run from (
              select place, letter, string_agg(letter, '') over (order by place rows between current row and 7 following) as run
              from string_to_table(case when searched ~ '[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]' then searched end, null)
                with ordinality as given (letter, place)
            ) as runs
            where letter ~ '[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]' order by place limit 20000
          )
        ) as split
      )
    $function$,
    coalesce((select collname from pg_collation where collname = 'und-x-icu' limit 1), 'default')
  );
end
$migration$;
