import { rules } from "../tools/rules.ts";

/** What a model is told of this server when it connects; under 150 words, and nothing that no tool says. */
export const instructions = [
  "This server keeps one task list, which belongs to the person you work for.",
  "",
  ...Object.values(rules).map((rule) => `- ${rule}`),
].join("\n");
