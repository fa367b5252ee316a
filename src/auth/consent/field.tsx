import type { Child } from "hono/jsx";

/** What must be put right in a form: by field, or `form` for the form as a whole. */
export type FormErrors = Readonly<Record<string, string>>;

interface FieldProps {
  readonly name: string;
  readonly label: string;
  readonly hint?: string;
  readonly errors: FormErrors;
  /** The control; it has the field's name as its id, and `describeControl` for what describes it. */
  readonly children: Child;
}

/** A control with its label, its hint, and what must be put right. */
export function Field({ name, label, hint, errors, children }: FieldProps) {
  const error = errors[name];
  return (
    <div class="field">
      <label for={name}>{label}</label>
      {error !== undefined && (
        <p class="error" id={`${name}-error`}>
          {error}
        </p>
      )}
      {children}
      {hint !== undefined && (
        <p class="hint" id={`${name}-hint`}>
          {hint}
        </p>
      )}
    </div>
  );
}

/** The attributes by which a control says what `Field` shows of it. */
export function describeControl({ name, hint, errors }: Pick<FieldProps, "name" | "errors"> & { hint?: string }) {
  const isInvalid = errors[name] !== undefined;
  const described = [...(isInvalid ? [`${name}-error`] : []), ...(hint === undefined ? [] : [`${name}-hint`])];
  return {
    id: name,
    name,
    ...(isInvalid && { "aria-invalid": "true" as const }),
    ...(described.length > 0 && { "aria-describedby": described.join(" ") }),
  };
}

/** What is wrong with a form as a whole: it is read out as the page opens. */
export function FormError({ errors }: { readonly errors: FormErrors }) {
  const named = Object.keys(errors).filter((name) => name !== "form");
  if (errors.form === undefined && named.length === 0) return null;
  return (
    <p class="notice failed" role="alert">
      {errors.form ?? "Something must be put right below."}
    </p>
  );
}
