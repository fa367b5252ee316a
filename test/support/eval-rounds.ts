import type { Round } from "../../evals/eval-case.ts";
import type { ScriptStep } from "./scripted-responses.ts";

/** A round of a case, as the stand-in for the model takes it. */
export function toStep(round: Round): ScriptStep {
  if (round === "tells") return { output: [{ type: "text", text: "{{outputs}}" }] };
  if ("says" in round) return { output: [{ type: "text", text: round.says }] };
  return {
    output: round.calls.map(([name, input]) => ({ type: "call", name, arguments: JSON.stringify(input) })),
  };
}
