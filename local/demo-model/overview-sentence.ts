import { followAny, type Token } from "./tokens.ts";
import type { Overview, Wish } from "./wish.ts";

const WEEK: Overview = { due: "this_week", group_by: "day" };

const overviews: readonly (readonly [patterns: readonly string[], input: Overview])[] = [
  [
    [
      "where|how do things|we|i stand|stand",
      "where do|does everything|it all stand",
      "how are things going?",
      "what's|what is the? status|state|situation of? everything?",
      "give|show me? an|a|the? overview|summary|digest of? my|all? tasks|everything?",
      "overview|summary|digest",
      "catch me up",
    ],
    { digest: true },
  ],
  [
    [
      "how does|is my|the|this week look|looking like?",
      "what does|is my|the|this week look|looking like?",
      "how's my|the|this week look|looking like?",
    ],
    WEEK,
  ],
  [
    ["how many tasks? do|are i|there? have? due? per|on|by|for each? day this week", "tasks per|by day this week"],
    WEEK,
  ],
  [["how many tasks? do|are i|there? have? per|by|in each? status|state"], { group_by: "status" }],
  [["how many tasks? do|are i|there? have? per|by|in each? tag|list"], { group_by: "tag" }],
  [["how many tasks? do|are i|there? have? due? per|on|by|for each? day"], { group_by: "day" }],
];

/** Reads `where do things stand?`, `how does my week look?`, `how many tasks are there per tag?`. */
export function readOverview(tokens: readonly Token[]): Wish | undefined {
  const found = overviews.find(([patterns]) =>
    patterns.some((pattern) => followAny(tokens, 0, [pattern]) === tokens.length),
  );
  return found && { type: "overview", input: found[1] };
}
