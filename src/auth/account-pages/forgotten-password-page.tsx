import { EmailField } from "../consent/account-fields.tsx";
import { FormError, type FormErrors } from "../consent/field.tsx";
import { Layout } from "../consent/layout.tsx";
import { FORGOTTEN_PASSWORD_PATH } from "../link-token.ts";

interface ForgottenPasswordProps {
  /** What was typed. */
  readonly email?: string;
  readonly errors?: FormErrors;
}

/** Asks where a link to set a new password is to go. */
export function ForgottenPasswordPage({ email = "", errors = {} }: ForgottenPasswordProps) {
  return (
    <Layout title="Forgot your password?" hasErrors={Object.keys(errors).length > 0}>
      <h1>Forgot your password?</h1>
      <p>We send a link to your e-mail, by which you set a new one.</p>
      <FormError errors={errors} />
      <form method="post" action={FORGOTTEN_PASSWORD_PATH}>
        <EmailField email={email} errors={errors} />
        <div class="actions">
          <button class="primary" type="submit">
            Send link
          </button>
        </div>
      </form>
    </Layout>
  );
}
