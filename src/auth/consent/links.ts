/** Where the links and forms of a consent page lead. All carry the client's whole request, so that a page can be reloaded. */
export interface ConsentLinks {
  /** What the forms are sent to, and the page that asks whether the client may. */
  readonly form: string;
  readonly signIn: string;
  readonly signUp: string;
  /** Tells the client no, at its own redirect URI, which has been validated. */
  readonly denial: string;
}

/** Which page a request asks for by `prompt` (OpenID Connect Core, section 3.1.2.1; Initiating User Registration 1.0). */
export function promptOf(parameters: URLSearchParams): "sign in" | "sign up" | undefined {
  const prompts = parameters.get("prompt")?.split(" ") ?? [];
  if (prompts.includes("create")) return "sign up";
  return prompts.includes("login") || prompts.includes("select_account") ? "sign in" : undefined;
}

/** @param parameters the client's request */
export function consentLinks(parameters: URLSearchParams, denial: string): ConsentLinks {
  const plain = withPrompt(parameters, undefined);
  return {
    form: plain,
    signIn: withPrompt(parameters, "login"),
    signUp: withPrompt(parameters, "create"),
    denial,
  };
}

function withPrompt(parameters: URLSearchParams, prompt: "login" | "create" | undefined): string {
  const changed = new URLSearchParams(parameters);
  changed.delete("prompt");
  if (prompt !== undefined) changed.set("prompt", prompt);
  return `/authorize?${changed}`;
}
