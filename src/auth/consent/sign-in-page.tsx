import { FORGOTTEN_PASSWORD_PATH } from "../link-token.ts";
import { EmailField, PasswordField } from "./account-fields.tsx";
import { type AskingClient, ClientFacts, ClientName } from "./client-facts.tsx";
import { FormError, type FormErrors } from "./field.tsx";
import { Layout } from "./layout.tsx";
import type { ConsentLinks } from "./links.ts";

interface SignInProps {
  readonly client: AskingClient;
  readonly links: ConsentLinks;
  /** What was typed; a password is never shown again. */
  readonly email?: string;
  readonly errors?: FormErrors;
}

/** Asks a person to sign in, so that they can answer a client. */
export function SignInPage({ client, links, email = "", errors = {} }: SignInProps) {
  return (
    <Layout title={`Sign in to connect ${client.name}`} hasErrors={Object.keys(errors).length > 0}>
      <h1>
        Sign in to connect <ClientName client={client} />
      </h1>
      <ClientFacts client={client} />
      <FormError errors={errors} />
      <form method="post" action={links.form}>
        <EmailField email={email} errors={errors} />
        <PasswordField errors={errors} />
        <div class="actions">
          <button class="primary" type="submit" name="action" value="sign_in">
            Sign in
          </button>
          <a class="button" href={links.denial}>
            Cancel
          </a>
        </div>
      </form>
      <p class="foot">
        No account yet? <a href={links.signUp}>Create one</a>
      </p>
      <p class="foot">
        <a href={FORGOTTEN_PASSWORD_PATH}>Forgot your password?</a>
      </p>
    </Layout>
  );
}
