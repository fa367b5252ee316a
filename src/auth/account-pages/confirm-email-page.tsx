import { FormError, type FormErrors } from "../consent/field.tsx";
import { Layout } from "../consent/layout.tsx";
import { pathOf } from "../link-token.ts";

interface ConfirmEmailProps {
  /** The account's until now. */
  readonly email: string;
  readonly newEmail: string;
  /** Of the link that opened the page. */
  readonly token: string;
  readonly errors?: FormErrors;
}

/** Asks whether an e-mail is to be the account's: a mail program that opens links must not say yes. */
export function ConfirmEmailPage({ email, newEmail, token, errors = {} }: ConfirmEmailProps) {
  return (
    <Layout title="Confirm your e-mail" hasErrors={Object.keys(errors).length > 0}>
      <h1>Confirm your e-mail</h1>
      <p>
        The account of <strong>{email}</strong> is signed in to with <strong>{newEmail}</strong> from then on.
      </p>
      <FormError errors={errors} />
      <form method="post" action={pathOf("change_email")}>
        <input type="hidden" name="token" value={token} />
        <div class="actions">
          <button class="primary" type="submit">
            Confirm e-mail
          </button>
        </div>
      </form>
    </Layout>
  );
}
