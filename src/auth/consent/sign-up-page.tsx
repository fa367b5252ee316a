import { EmailField, NewPasswordField } from "./account-fields.tsx";
import { type AskingClient, ClientFacts, ClientName } from "./client-facts.tsx";
import { describeControl, Field, FormError, type FormErrors } from "./field.tsx";
import { Layout } from "./layout.tsx";
import type { ConsentLinks } from "./links.ts";

const TIME_ZONE_HINT = "Your due times are in this zone.";

interface SignUpProps {
  readonly client: AskingClient;
  readonly links: ConsentLinks;
  /** What was typed; a password is never shown again. */
  readonly email?: string;
  readonly timeZone: string;
  /** Whether nobody has chosen it yet: it is that of the person's connection. */
  readonly isOfConnection: boolean;
  readonly timeZones: readonly string[];
  readonly errors?: FormErrors;
}

/** Lets a person make an account, so that they can answer a client. */
export function SignUpPage(props: SignUpProps) {
  const { client, links, email = "", timeZone, isOfConnection, timeZones, errors = {} } = props;
  const hint = isOfConnection ? `Taken from your connection. ${TIME_ZONE_HINT}` : TIME_ZONE_HINT;
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
        <Field name="time_zone" label="Time zone" hint={hint} errors={errors}>
          <select {...describeControl({ name: "time_zone", hint, errors })}>
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
