-- A person's chat with the agent. Clients choose ids too (AI SDK's useChat does), so an id is unique to its user only:
-- two people with the same id have two conversations, and neither can tell.
create table conversations (
  user_id integer not null references users on delete cascade,
  id text not null,
  title text not null,
  created_at timestamptz(3) not null default now(),
  updated_at timestamptz(3) not null default now(),
  primary key (user_id, id),
  constraint conversations_id check (id ~ '^[A-Za-z0-9_~:.-]{1,100}$'),
  constraint conversations_title_length check (char_length(title) between 1 and 100),
  constraint conversations_title_trimmed check (title = btrim(title))
);

create index conversations_user_id_updated_at_idx on conversations (user_id, updated_at desc, id desc);

-- What was said, in the order of "seq". "content" is the list of what happened in the message: its text, and for the
-- agent's also each tool call with its input and its output.
create table messages (
  seq bigint generated always as identity primary key,
  user_id integer not null,
  conversation_id text not null,
  id text not null,
  role text not null,
  content jsonb not null,
  outcome text not null default 'completed',
  rounds integer not null default 0,
  input_tokens integer not null default 0,
  output_tokens integer not null default 0,
  created_at timestamptz(3) not null default now(),
  updated_at timestamptz(3) not null default now(),
  constraint messages_conversation_fkey foreign key (user_id, conversation_id)
    references conversations on delete cascade,
  constraint messages_user_id_conversation_id_id_key unique (user_id, conversation_id, id),
  constraint messages_id_length check (char_length(id) between 1 and 100),
  constraint messages_role check (role in ('user', 'assistant')),
  constraint messages_content check (jsonb_typeof(content) = 'array'),
  constraint messages_outcome check (outcome in ('completed', 'approval_required', 'stopped', 'failed')),
  constraint messages_counts check (rounds >= 0 and input_tokens >= 0 and output_tokens >= 0)
);

create index messages_conversation_seq_idx on messages (user_id, conversation_id, seq desc);

-- A tool call of a message that waits, or waited, for its person's yes. "call_hash" is the SHA-256 of the exact call.
create table approvals (
  id uuid primary key,
  user_id integer not null,
  conversation_id text not null,
  message_id text not null,
  call_id text not null,
  call_hash text not null,
  created_at timestamptz(3) not null default now(),
  expires_at timestamptz(3) not null,
  answered_at timestamptz(3),
  approved boolean,
  constraint approvals_message_fkey foreign key (user_id, conversation_id, message_id)
    references messages (user_id, conversation_id, id) on delete cascade,
  constraint approvals_answer check ((answered_at is null) = (approved is null)),
  constraint approvals_call_hash check (call_hash ~ '^[0-9a-f]{64}$')
);

create index approvals_message_idx on approvals (user_id, conversation_id, message_id);

-- What a person's chats have used on each day (UTC). Apart from the messages, so that deleting a conversation gives
-- no tokens back.
create table token_usage (
  user_id integer not null references users on delete cascade,
  day date not null,
  tokens bigint not null,
  primary key (user_id, day),
  constraint token_usage_tokens check (tokens >= 0)
);

create function utc_today() returns date
language sql stable parallel safe
set search_path = pg_catalog, pg_temp
as $$
  select (now() at time zone 'UTC')::date
$$;

-- Raises 54000 (program_limit_exceeded), which undoes the request it is part of, when the user of this transaction has
-- used up the day's tokens.
create function require_token_budget(daily_budget bigint) returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  if exists (
    select from public.token_usage
    where user_id = public.current_user_id() and day = public.utc_today() and tokens >= daily_budget
  ) then
    raise exception 'the daily token budget is used up' using errcode = '54000';
  end if;
end
$$;

alter table conversations enable row level security;
alter table messages enable row level security;
alter table approvals enable row level security;
alter table token_usage enable row level security;

create policy conversations_own on conversations to task_worker
  using (user_id = (select current_user_id()))
  with check (user_id = (select current_user_id()));
create policy messages_own on messages to task_worker
  using (user_id = (select current_user_id()))
  with check (user_id = (select current_user_id()));
create policy approvals_own on approvals to task_worker
  using (user_id = (select current_user_id()))
  with check (user_id = (select current_user_id()));
create policy token_usage_own on token_usage to task_worker
  using (user_id = (select current_user_id()))
  with check (user_id = (select current_user_id()));

grant select, insert, update, delete on conversations, messages to task_worker;
grant select, insert on approvals to task_worker;
grant update (answered_at, approved) on approvals to task_worker;
grant select, insert, update on token_usage to task_worker;
