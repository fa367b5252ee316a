const STYLE = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { margin: 0 auto; max-width: 60rem; padding: 1rem; }
h1 { margin-bottom: 0; }
h2 { margin: 2rem 0 0.5rem; }
h4 { margin: 1rem 0 0.25rem; }
form { display: flex; flex-wrap: wrap; gap: 0.5rem; align-items: center; margin: 1rem 0; }
input, button { font: inherit; padding: 0.25rem 0.5rem; }
input { flex: 1 1 14rem; }
nav ul { display: flex; flex-wrap: wrap; gap: 0.25rem 1rem; padding: 0; list-style: none; }
code, pre { font: 0.875rem/1.5 ui-monospace, monospace; }
pre { overflow-x: auto; padding: 0.75rem; border: 1px solid #8886; border-radius: 0.25rem; }
details.operation { border-top: 1px solid #8886; }
summary { cursor: pointer; padding: 0.5rem 0; }
summary code { font-weight: 600; }
table { border-collapse: collapse; width: 100%; }
th, td { padding: 0.25rem 0.75rem 0.25rem 0; text-align: left; vertical-align: top; border-bottom: 1px solid #8883; }
td:first-child { white-space: nowrap; }
dl { display: grid; grid-template-columns: auto 1fr; gap: 0 1rem; margin: 0.25rem 0; }
dt { font-weight: 600; }
dd { margin: 0; }
`;

/** The stylesheet of the reference page. It is a file of its own, as the security policy allows no other. */
export const referenceStyle = STYLE.trim();
