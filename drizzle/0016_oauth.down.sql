drop function take_single_use(text, uuid);
drop function find_single_use(text);
drop function keep_single_use(text, text, integer, timestamptz);
drop function end_oauth_grant(integer, text, text);
drop function refresh_oauth_grant(integer, text, text, text, text, timestamptz, timestamptz);
drop function exchange_oauth_code(integer, text, text, jsonb, text, text, timestamptz, timestamptz);
drop function find_oauth_grant(integer, text, text);
drop function keep_oauth_grant(
  integer, text, jsonb, text, text, text, text, text[], integer, timestamptz, timestamptz
);
drop table single_uses;
drop table oauth_refresh_tokens;
