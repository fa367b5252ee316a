import { NewPasswordField } from "../consent/account-fields.tsx";
import { FormError, type FormErrors } from "../consent/field.tsx";
import { Layout } from "../consent/layout.tsx";
import { pathOf } from "../link-token.ts";

interface ResetPasswordProps {
  /** Of the account, for its owner to know which it is and for a password manager. */
  readonly email: string;
  /** Of the link that opened the page. */
  readonly token: string;
  readonly errors?: FormErrors;
}

/** Asks for a new password in place of a forgotten one. */
export function ResetPasswordPage({ email, token, errors = {} }: ResetPasswordProps) {
  return (
    <Layout title="Set a new password" hasErrors={Object.keys(errors).length > 0}>
      <h1>Set a new password</h1>
      <p>
        For <strong>{email}</strong>. Every sign-in, every connected app and every personal token of this account ends.
      </p>
      <FormError errors={errors} />
      <form method="post" action={pathOf("reset_password")}>
        <input type="hidden" name="token" value={token} />
        <input type="hidden" name="username" value={email} autocomplete="username" />
        <NewPasswordField errors={errors} />
        <div class="actions">
          <button class="primary" type="submit">
            Set password
          </button>
        </div>
      </form>
    </Layout>
  );
}
