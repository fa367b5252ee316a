import { EmailField, NewPasswordField } from "./account-fields.tsx";
import { type AskingClient, ClientFacts, ClientName } from "./client-facts.tsx";
import { describeControl, Field, FormError, type FormErrors } from "./field.tsx";
import { Layout } from "./layout.tsx";
import type { ConsentLinks } from "./links.ts";

const TIME_ZONE_HINT = "Taken from your connection. Your due times are in this zone.";

interface SignUpProps {
  readonly client: AskingClient;
  readonly links: ConsentLinks;
  /** What was typed; a password is never shown again. */
  readonly email?: string;
  readonly timeZone: string;
  readonly timeZones: readonly string[];
  readonly errors?: FormErrors;
}

/** Lets a person make an account, so that they can answer a client. */
export function SignUpPage({ client, links, email = "", timeZone, timeZones, errors = {} }: SignUpProps) {
  return (
    <Layout title={`Create an account to connect ${client.name}`} hasErrors={Object.keys(errors).length > 0}>
      <h1>
        Create an account to connect <ClientName client={client} />
      </h1>
      <ClientFacts client={client} />
      <FormError errors={errors} />
      <form method="post" action={links.form}>
        <EmailField email={email} errors={errors} />
        <NewPasswordField errors={errors} />
        <Field name="time_zone" label="Time zone" hint={TIME_ZONE_HINT} errors={errors}>
          <select {...describeControl({ name: "time_zone", hint: TIME_ZONE_HINT, errors })}>
            {timeZones.map((name) => (
              <option value={name} selected={name === timeZone}>
                {name.replaceAll("_", " ")}
              </option>
            ))}
          </select>
        </Field>
        <div class="actions">
          <button class="primary" type="submit" name="action" value="sign_up">
            Create account
          </button>
          <a class="button" href={links.denial}>
            Cancel
          </a>
        </div>
      </form>
      <p class="foot">
        Have an account? <a href={links.signIn}>Sign in</a>
      </p>
    </Layout>
  );
}
