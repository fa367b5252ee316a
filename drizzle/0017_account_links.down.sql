drop function sign_out_everywhere(timestamptz, boolean);
drop function change_password(text, text, timestamptz, boolean);
drop function confirm_email(text, uuid, timestamptz);
drop function reset_password(text, text, uuid, timestamptz, timestamptz);
drop function end_sign_ins(integer, timestamptz, boolean);
drop function take_account_link(text, text, uuid);
drop function find_account_link(text);
drop function request_email_change(text, text, text);
drop function request_password_reset(text, text, text, timestamptz);
drop function count_mail(text);

delete from daily_counts where kind = 'mails';
alter table daily_counts
  drop constraint daily_counts_kind,
  add constraint daily_counts_kind check (kind in ('sign_ups', 'chat_tokens', 'total_chat_tokens'));

drop table account_links;
