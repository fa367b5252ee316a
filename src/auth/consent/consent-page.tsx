import type { AccessChoice } from "./access.ts";
import { type AskingClient, ClientFacts, ClientName } from "./client-facts.tsx";
import { FormError, type FormErrors } from "./field.tsx";
import { Layout } from "./layout.tsx";
import type { ConsentLinks } from "./links.ts";

const choiceTexts = {
  write: { label: "Read and change", explanation: "See your tasks, add, edit, complete and delete them" },
  read: { label: "Read only", explanation: "See your tasks, and change nothing" },
} as const satisfies Record<AccessChoice, { label: string; explanation: string }>;

interface ConsentProps {
  readonly client: AskingClient;
  readonly links: ConsentLinks;
  /** Who is signed in. */
  readonly account: { readonly id: number; readonly email: string };
  /** Stands for the client's request, once. */
  readonly handle: string;
  readonly choices: readonly AccessChoice[];
  readonly errors?: FormErrors;
}

/** Asks a person who is signed in whether a client may use their tasks. */
export function ConsentPage({ client, links, account, handle, choices, errors = {} }: ConsentProps) {
  return (
    <Layout title={`Allow ${client.name}?`} hasErrors={Object.keys(errors).length > 0}>
      <h1>
        Allow <ClientName client={client} /> to use your tasks?
      </h1>
      <ClientFacts client={client} account={{ email: account.email, switchUrl: links.signIn }} />
      <FormError errors={errors} />
      <form method="post" action={links.form}>
        <input type="hidden" name="handle" value={handle} />
        <input type="hidden" name="account" value={`${account.id}`} />
        <fieldset>
          <legend>What it may do</legend>
          {choices.map((choice, index) => (
            <label class="choice">
              <input type="radio" name="access" value={choice} checked={index === 0} />
              <span>
                <strong>{choiceTexts[choice].label}</strong>
                <span class="aside">{choiceTexts[choice].explanation}</span>
              </span>
            </label>
          ))}
        </fieldset>
        <p class="hint">
          It never sees your password. It stays connected until you disconnect it, or until it has not been used for 180
          days.
        </p>
        <div class="actions">
          <button class="primary" type="submit" name="action" value="allow">
            Allow
          </button>
          <button type="submit" name="action" value="deny">
            Deny
          </button>
        </div>
      </form>
    </Layout>
  );
}
