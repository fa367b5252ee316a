-- expand
-- Where a message takes its place again, edited or to be answered anew, the answers after it are gone, and what they did
-- to the tasks is not. "replaced" keeps on the person's message which calls they had made and what came of them, for the
-- model to know: [{"call_id", "tool", "input", "text"}]. Null where nothing was replaced, and in what the release before
-- writes.
alter table messages
  add column replaced jsonb,
  add constraint messages_replaced check (jsonb_typeof(replaced) = 'array');
