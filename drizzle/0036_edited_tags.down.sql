drop function edited_tags(text[], text[], text[]);
