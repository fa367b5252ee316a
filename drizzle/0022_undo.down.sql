drop function undo_change(bigint, integer);
drop function standing_changes(integer, integer, bigint, text[]);
drop function fields_of(text[]);
drop function undone_columns(jsonb, jsonb);
drop function is_put_back(text);
