drop function chat_tokens_left(text, jsonb);
