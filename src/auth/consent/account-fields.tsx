import { describeControl, Field, type FormErrors } from "./field.tsx";

const NEW_PASSWORD_HINT = "8 characters or more.";

/** The e-mail of an account, as a password manager knows it. */
export function EmailField({ email, errors }: { readonly email: string; readonly errors: FormErrors }) {
  return (
    <Field name="email" label="E-mail" errors={errors}>
      <input
        {...describeControl({ name: "email", errors })}
        type="email"
        autocomplete="username"
        inputmode="email"
        autocapitalize="none"
        spellcheck={false}
        maxlength={254}
        required
        value={email}
      />
    </Field>
  );
}

/** The password of an account that there is. It is never filled in by us. */
export function PasswordField({ errors }: { readonly errors: FormErrors }) {
  return (
    <Field name="password" label="Password" errors={errors}>
      <input
        {...describeControl({ name: "password", errors })}
        type="password"
        autocomplete="current-password"
        maxlength={1000}
        required
      />
    </Field>
  );
}

/** A password that is being chosen. */
export function NewPasswordField({ errors }: { readonly errors: FormErrors }) {
  return (
    <Field name="password" label="Password" hint={NEW_PASSWORD_HINT} errors={errors}>
      <input
        {...describeControl({ name: "password", hint: NEW_PASSWORD_HINT, errors })}
        type="password"
        autocomplete="new-password"
        minlength={8}
        maxlength={200}
        required
      />
    </Field>
  );
}
