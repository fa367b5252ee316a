import { AsyncLocalStorage } from "node:async_hooks";

/** What an operator promises, and asks of people. */
export interface Policies {
  readonly privacy?: string | undefined;
  readonly terms?: string | undefined;
}

// Not a context of hono/jsx, which comes with all that renders in a browser.
const shownPolicies = new AsyncLocalStorage<Policies>();

/** Renders a page that leads to the policies, where there are any. */
export function showPolicies<Rendered>(policies: Policies, render: () => Rendered): Rendered {
  return shownPolicies.run(policies, render);
}

/** Leads to the policies of the page around it. They open beside it: what was typed into a form stays. */
export function PolicyLinks() {
  const { privacy, terms } = shownPolicies.getStore() ?? {};
  const links = [
    { label: "Privacy", url: privacy },
    { label: "Terms", url: terms },
  ].filter(({ url }) => url !== undefined);
  if (links.length === 0) return null;
  return (
    <footer>
      {links.map(({ label, url }) => (
        <a href={url} target="_blank" rel="noreferrer">
          {label}
        </a>
      ))}
    </footer>
  );
}
