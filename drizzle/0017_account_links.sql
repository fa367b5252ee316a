-- expand
-- A person mends their own account: a forgotten password by a link, another e-mail once a link that went there was opened,
-- another password, signing out everywhere.

-- A link that somebody may open once, within 30 minutes. "hash" is the SHA-256 of its token, in hex, so that nothing here
-- can be used. "used_key" is that of the call that used it: a repeat of this call comes to the same, any other to nothing.
create table account_links (
  hash text primary key,
  user_id integer not null references users on delete cascade,
  kind text not null,
  new_email text,
  old_email text,
  created_at timestamptz(3) not null default now(),
  expires_at timestamptz(3) not null,
  used_key uuid,
  constraint account_links_hash check (hash ~ '^[0-9a-f]{64}$'),
  constraint account_links_kind check (kind in ('reset_password', 'change_email')),
  constraint account_links_new_email check ((kind = 'change_email') = (new_email is not null)),
  constraint account_links_new_email_length check (char_length(new_email) between 3 and 254),
  constraint account_links_new_email_trimmed check (new_email = btrim(new_email)),
  constraint account_links_old_email_length check (char_length(old_email) <= 254)
);

create index account_links_user_id_idx on account_links (user_id);
create index account_links_expires_at_idx on account_links (expires_at);

-- As before, and counts the mails that were asked for to an e-mail, whose subject is a keyed hash of it and the day.
alter table daily_counts
  drop constraint daily_counts_kind,
  add constraint daily_counts_kind check (kind in ('sign_ups', 'chat_tokens', 'total_chat_tokens', 'mails'));

-- Counts a mail, and raises TS003 where a mailbox has had as many as it may today. What links have expired goes as well.
create function count_mail(mailbox text) returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  most_mails constant integer := 10;
begin
  if public.count_today('mails', mailbox, 1) > most_mails then
    perform public.raise_limit('mails', most_mails);
  end if;
  delete from public.account_links as old where old.hash in (
    select hash from public.account_links where expires_at < now() - interval '1 hour'
    order by expires_at limit 20 for update skip locked
  );
end
$$;

-- Makes a link by which a person who has forgotten their password sets another. It counts a mail for an unknown e-mail as
-- well: its answer shall take as long. Returns the account's own e-mail, and no row where there is none.
create function request_password_reset(wanted_email text, mailbox text, link_hash text, deadline timestamptz)
returns table (email text)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform public.count_mail(mailbox);
  insert into public.account_links (hash, user_id, kind, expires_at)
  select link_hash, person.id, 'reset_password', clock_timestamp() + interval '30 minutes'
  from public.users as person where lower(person.email) = lower(wanted_email)
  -- Made by an attempt whose answer was lost.
  on conflict (hash) do nothing;
  perform public.require_time_left(deadline);
  return query select person.email from public.users as person where lower(person.email) = lower(wanted_email);
end
$$;

-- Makes a link by which the user of this transaction shows that an e-mail is theirs; their earlier ones end. Raises 23505
-- where it is another person's already.
create function request_email_change(wanted_email text, mailbox text, link_hash text) returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  caller_id constant integer := public.current_user_id();
begin
  if exists (select from public.users where lower(email) = lower(wanted_email) and id <> caller_id) then
    raise exception 'the e-mail is taken' using errcode = '23505';
  end if;
  perform public.count_mail(mailbox);
  delete from public.account_links where user_id = caller_id and kind = 'change_email';
  insert into public.account_links (hash, user_id, kind, new_email, expires_at)
  values (link_hash, caller_id, 'change_email', wanted_email, clock_timestamp() + interval '30 minutes');
end
$$;

-- What a link that may still be used is for, and whose it is; no row for any other.
create function find_account_link(link_hash text) returns table (kind text, email text, new_email text)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
  select link.kind, person.email, link.new_email
  from public.account_links as link join public.users as person on person.id = link.user_id
  where link.hash = link_hash and link.used_key is null and link.expires_at > clock_timestamp()
$$;

-- Takes a link for a call. Returns whose it is; null where it is not there, has expired, or another call has used it.
-- The user's row is locked first, as every other call that writes does.
create function take_account_link(link_hash text, link_kind text, call_key uuid) returns integer
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  owner_id integer;
begin
  select user_id into owner_id from public.account_links where hash = link_hash;
  perform from public.users where id = owner_id for no key update;
  update public.account_links set used_key = call_key
  where hash = link_hash and kind = link_kind
    and (used_key = call_key or used_key is null and expires_at > clock_timestamp())
  returning user_id into owner_id;
  return case when found then owner_id end;
end
$$;

-- Ends what a person's password has let in: their sign-ins until a moment, and the links that were not used; with
-- "cuts_off" their connected clients and personal tokens too. Returns how many of these go on: {"clients", "tokens"}.
create function end_sign_ins(person_id integer, ended_at timestamptz, cuts_off boolean) returns jsonb
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  update public.users set signed_out_at = greatest(signed_out_at, ended_at), updated_at = now() where id = person_id;
  delete from public.account_links where user_id = person_id and used_key is null;
  if cuts_off then
    delete from public.oauth_grants where user_id = person_id;
    delete from public.personal_tokens where user_id = person_id;
  end if;
  return jsonb_build_object(
    'clients', (
      select count(*) from public.oauth_grants
      where user_id = person_id and (expires_at is null or expires_at > clock_timestamp())
    ),
    'tokens', (
      select count(*) from public.personal_tokens
      where user_id = person_id and (expires_at is null or expires_at > clock_timestamp())
    )
  );
end
$$;

-- Sets a password by a link, and ends everything. Returns the account; no row where the link cannot be used.
create function reset_password(
  link_hash text, new_password_hash text, call_key uuid, ended_at timestamptz, deadline timestamptz
)
returns table (id integer, email text, name text, time_zone text)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  person_id constant integer := public.take_account_link(link_hash, 'reset_password', call_key);
begin
  update public.users as person set password_hash = new_password_hash where person.id = person_id;
  perform public.end_sign_ins(person_id, ended_at, true);
  perform public.require_time_left(deadline);
  return query
    select person.id, person.email, person.name, person.time_zone from public.users as person where person.id = person_id;
end
$$;

-- Gives an account the e-mail that a link was sent to; links to the old one end. Returns the account, and its e-mail before;
-- no row where the link cannot be used. Raises 23505 where the e-mail has become another person's since.
create function confirm_email(link_hash text, call_key uuid, deadline timestamptz)
returns table (id integer, email text, name text, time_zone text, old_email text)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  person_id constant integer := public.take_account_link(link_hash, 'change_email', call_key);
begin
  update public.account_links as link set old_email = coalesce(link.old_email, person.email)
  from public.users as person where link.hash = link_hash and person.id = person_id;
  update public.users as person set email = link.new_email, updated_at = now()
  from public.account_links as link where link.hash = link_hash and person.id = person_id;
  delete from public.account_links as link where link.user_id = person_id and link.used_key is null;
  perform public.require_time_left(deadline);
  return query
    select person.id, person.email, person.name, person.time_zone, link.old_email
    from public.users as person join public.account_links as link on link.hash = link_hash
    where person.id = person_id;
end
$$;

-- Changes the password of the user of this transaction, whose hash it was when it was compared: TS005 where it is another by
-- now. Returns as end_sign_ins.
create function change_password(
  compared_hash text, new_password_hash text, ended_at timestamptz, cuts_off boolean
)
returns jsonb
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  update public.users set password_hash = new_password_hash
  where id = public.current_user_id() and password_hash = compared_hash;
  if not found then
    raise exception 'the password was changed meanwhile' using errcode = 'TS005';
  end if;
  return public.end_sign_ins(public.current_user_id(), ended_at, cuts_off);
end
$$;

-- Signs the user of this transaction out everywhere. Returns as end_sign_ins.
create function sign_out_everywhere(ended_at timestamptz, cuts_off boolean) returns jsonb
language sql security definer
set search_path = pg_catalog, pg_temp
as $$
  select public.end_sign_ins(public.current_user_id(), ended_at, cuts_off)
$$;

-- Without a policy: the worker's role reaches it by these functions alone.
alter table account_links enable row level security;

revoke execute on function count_mail(text) from public;
revoke execute on function request_password_reset(text, text, text, timestamptz) from public;
revoke execute on function request_email_change(text, text, text) from public;
revoke execute on function find_account_link(text) from public;
revoke execute on function take_account_link(text, text, uuid) from public;
revoke execute on function end_sign_ins(integer, timestamptz, boolean) from public;
revoke execute on function reset_password(text, text, uuid, timestamptz, timestamptz) from public;
revoke execute on function confirm_email(text, uuid, timestamptz) from public;
revoke execute on function change_password(text, text, timestamptz, boolean) from public;
revoke execute on function sign_out_everywhere(timestamptz, boolean) from public;
grant execute on function request_password_reset(text, text, text, timestamptz) to task_worker;
grant execute on function request_email_change(text, text, text) to task_worker;
grant execute on function find_account_link(text) to task_worker;
grant execute on function reset_password(text, text, uuid, timestamptz, timestamptz) to task_worker;
grant execute on function confirm_email(text, uuid, timestamptz) to task_worker;
grant execute on function change_password(text, text, timestamptz, boolean) to task_worker;
grant execute on function sign_out_everywhere(timestamptz, boolean) to task_worker;
