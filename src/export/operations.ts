import * as z from "zod";
import { accountRecordSchema } from "../auth/account-record.ts";
import { clientSchema } from "../auth/connected-clients.ts";
import { personalTokenSchema } from "../auth/personal-tokens.ts";
import { readConversationSchema } from "../chat/conversation/read-conversation.ts";
import { conversationSchema } from "../chat/conversation/stored-conversations.ts";
import type { Operations } from "../http/operation.ts";
import { callRecordSchema, taskChangeRecordSchema } from "../tasks/all-changes.ts";
import { keptTaskSchema } from "../tasks/all-tasks.ts";
import { EXPORT_FORMAT } from "./export-text.ts";

const { element: messageSchema } = readConversationSchema.shape.messages;

const exportSchema = z.object({
  format: z.literal(EXPORT_FORMAT),
  exported_at: z.iso.datetime(),
  account: accountRecordSchema,
  clients: z.array(clientSchema),
  personal_tokens: z.array(personalTokenSchema),
  tasks: z.array(keptTaskSchema),
  changes: z.array(callRecordSchema),
  task_changes: z.array(taskChangeRecordSchema),
  conversations: z.array(conversationSchema),
  messages: z.array(messageSchema.extend({ conversation_id: z.string(), created_at: z.iso.datetime() })),
});

/** What the route of routes.ts does. */
export const exportOperations: Operations = {
  "GET /api/export": {
    summary: "Everything that is kept of the user, as JSON",
    description:
      "It comes as it is read, page by page: what changes meanwhile may be told as it was or as it is. An answer that breaks off is no JSON. No secret is in it.",
    tag: "Accounts",
    security: "bearer",
    answer: { status: 200, description: "The account with all that is in it.", content: exportSchema },
    errors: ["forbidden"],
  },
};
