import { canCountTokens } from "./count-tokens.ts";
import { countToolTokens, MOST_TOKENS, recordedTokens, recordTokens, tellChanges } from "./tool-tokens.ts";

// Tells what a change of the tools costs every model: nothing where it costs as much as before. With `--record`, records it.
// Fails where it is not recorded, or is more than it may be.

if (canCountTokens) {
  const now = await countToolTokens();
  const before = await recordedTokens();
  const changes = tellChanges(before, now);
  for (const line of changes) console.log(line);
  if (process.argv.includes("--record")) await recordTokens(now);
  else if (changes.length > 0) fail("npm run tokens records what the tools cost now; commit it with the change");
  for (const part of ["forModel", "wholeList"] as const) {
    const [cost = 0, most] = [now.together?.[part], MOST_TOKENS[part]];
    if (cost > most) fail(`together, ${part}: ${cost} tokens are more than the ${most} that the tools may cost`);
  }
} else {
  console.log("What the tools cost a model was not counted: that needs npm ci --prefix test/clients.");
}

function fail(message: string): void {
  console.error(message);
  process.exitCode = 1;
}
