const STYLE = `
:root {
  color-scheme: light dark;
  --page: light-dark(#f4f6f5, #0e1312);
  --card: light-dark(#fff, #161d1b);
  --text: light-dark(#16201d, #e6edea);
  --quiet: light-dark(#55635e, #9fb0aa);
  --line: light-dark(#dbe2df, #2b3633);
  --field: light-dark(#8a9893, #65756f);
  --accent: light-dark(#0f766e, #2dd4bf);
  --on-accent: light-dark(#fff, #04211d);
  --tint: light-dark(#edf6f4, #14302b);
  --failed: light-dark(#b42318, #ff9d92);
  --failed-tint: light-dark(#fef1ef, #391a17);
  --careful: light-dark(#7a4b00, #f5c469);
  --careful-tint: light-dark(#fff7e6, #33270d);
  background: var(--page);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif;
}
* { box-sizing: border-box; }
body {
  margin: 0 auto;
  padding: clamp(1rem, 6vh, 4rem) 1rem 2rem;
  max-width: 30rem;
  color: var(--text);
  overflow-wrap: anywhere;
}
header { display: flex; align-items: center; gap: 0.625rem; margin: 0 0.25rem 1.25rem; font-weight: 600; }
header img { display: block; border-radius: 0.4rem; }
main {
  padding: clamp(1.25rem, 5vw, 2rem);
  background: var(--card);
  border: 1px solid var(--line);
  border-radius: 1rem;
  box-shadow: 0 1px 2px #0000000a, 0 12px 32px -16px #00000026;
}
h1 { margin: 0 0 1.25rem; font-size: 1.375rem; line-height: 1.3; font-weight: 650; letter-spacing: -0.01em; text-wrap: balance; }
p { margin: 0 0 1rem; }
a { color: var(--accent); text-underline-offset: 0.2em; }
strong { font-weight: 600; }
.aside { display: block; font-size: 0.875rem; color: var(--quiet); }
a.aside { color: var(--accent); width: fit-content; }
.facts { margin: 0 0 1.25rem; border-block: 1px solid var(--line); }
.facts div { display: grid; grid-template-columns: 6.75rem 1fr; gap: 0 0.75rem; padding: 0.75rem 0; }
.facts div + div { border-top: 1px solid var(--line); }
.facts dt { color: var(--quiet); font-size: 0.875rem; line-height: 1.5rem; }
.facts dd { margin: 0; }
.notice { padding: 0.75rem 0.875rem; border-radius: 0.625rem; font-size: 0.9375rem; }
.careful { background: var(--careful-tint); color: var(--careful); }
.failed { background: var(--failed-tint); color: var(--failed); }
.field { margin-bottom: 1rem; }
label, legend { font-weight: 600; font-size: 0.9375rem; }
.field label { display: block; margin-bottom: 0.375rem; }
.error { margin: 0 0 0.375rem; color: var(--failed); font-size: 0.875rem; }
.hint { color: var(--quiet); font-size: 0.875rem; }
.field .hint { margin: 0.375rem 0 0; }
input:not([type="radio"]), select {
  width: 100%;
  min-height: 2.875rem;
  padding: 0.5rem 0.75rem;
  font: inherit;
  color: inherit;
  background: var(--card);
  border: 1px solid var(--field);
  border-radius: 0.625rem;
}
[aria-invalid] { border-color: var(--failed) !important; }
fieldset { margin: 0 0 1rem; padding: 0; border: 0; min-width: 0; }
legend { padding: 0; margin-bottom: 0.5rem; }
.choice {
  display: flex;
  gap: 0.75rem;
  align-items: start;
  padding: 0.75rem 0.875rem;
  border: 1px solid var(--line);
  border-radius: 0.625rem;
  cursor: pointer;
  font-weight: 400;
}
.choice + .choice { margin-top: 0.5rem; }
.choice:has(:checked) { border-color: var(--accent); background: var(--tint); }
.choice input { flex: none; width: 1.125rem; height: 1.125rem; margin: 0.1875rem 0 0; accent-color: var(--accent); }
.choice strong { font-size: 1rem; }
.actions { display: flex; flex-wrap: wrap; gap: 0.75rem; margin-top: 1.5rem; }
button, .button {
  flex: 1 1 8rem;
  min-height: 2.875rem;
  padding: 0.5rem 1rem;
  font: inherit;
  font-weight: 600;
  line-height: 1.75rem;
  text-align: center;
  text-decoration: none;
  white-space: nowrap;
  color: var(--text);
  background: transparent;
  border: 1px solid var(--field);
  border-radius: 0.625rem;
  cursor: pointer;
}
button:hover, .button:hover { background: var(--tint); }
.primary { color: var(--on-accent); background: var(--accent); border-color: var(--accent); }
.primary:hover { background: color-mix(in oklab, var(--accent) 88%, var(--text)); }
:focus-visible { outline: 3px solid color-mix(in oklab, var(--accent) 55%, transparent); outline-offset: 2px; }
.choice:focus-within:has(:focus-visible) { outline: 3px solid color-mix(in oklab, var(--accent) 55%, transparent); outline-offset: 2px; }
.choice :focus-visible { outline: none; }
.foot { margin: 1.25rem 0 0; text-align: center; font-size: 0.9375rem; }
footer { display: flex; justify-content: center; gap: 1.25rem; margin-top: 1.25rem; font-size: 0.875rem; }
footer a { padding: 0.25rem; color: var(--quiet); }
@media (max-width: 26rem) {
  .facts div { grid-template-columns: 1fr; }
  .facts dt { line-height: 1.25rem; }
}
@media (forced-colors: active) {
  .primary { forced-color-adjust: none; }
}
`;

/** The stylesheet of all pages that `Layout` makes; a file of its own, as their security policy allows no other. */
export const pageStyle = STYLE.trim();
