import { LINK_MINUTES, linkUrl, makeLink } from "../../../src/auth/link-token.ts";
import { withConnection } from "../../database/connection.ts";
import { defineCommand } from "../command.ts";
import { checkCommonValues, readContextToAsk } from "../context.ts";
import { readOwnerUrl } from "../release/database-steps.ts";
import { findAccount, keepResetLink } from "./reset-link.ts";

/** `reset-password`: a link for a person who has forgotten their password, where no mail can bring it to them. */
export const resetPasswordCommand = defineCommand({
  summary: "make a link by which the person of an e-mail sets a new password, for you to give to them",
  usage: [],
  options: {},
  argument: "EMAIL",
  check: checkCommonValues,
  async run(values, procedure, email) {
    const { settings, target } = await readContextToAsk(values);
    const baseUrl = (values.url ?? target.baseUrl).replace(/\/+$/, "");
    const link = makeLink();
    return withConnection("DATABASE_OWNER_URL", readOwnerUrl(settings), async (owner) => {
      const account = await procedure.step("account", async () => {
        const found = await findAccount(owner, email);
        return { evidence: `user ${found.id}, since ${found.created_at}`, result: found };
      });
      const what = `it counts once, for ${LINK_MINUTES} minutes, and ends everything that the account has let in`;
      if (procedure.isDryRun) {
        procedure.record("link", "would do", what);
        return undefined;
      }
      await procedure.step("link", async () => ({ evidence: what, result: await keepResetLink(owner, account, link) }));
      const url = linkUrl(baseUrl, "reset_password", link);
      // With --json it stands in the result.
      if (!values.json) procedure.note(url);
      return { user_id: account.id, link: url, minutes: LINK_MINUTES };
    });
  },
});
