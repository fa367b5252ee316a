drop table approvals;
drop table messages;
drop table conversations;
drop table token_usage;
drop function require_token_budget(bigint);
drop function utc_today();
