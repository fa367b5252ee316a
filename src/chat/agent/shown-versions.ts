import type { TurnEvent } from "../stream/turn-event.ts";
import { tasksOf } from "./approval.ts";

/**
 * The versions that tasks must still have for a yes to count: those that its question showed, and those that calls of the
 * same message have made of them since, which the person has said yes to as well.
 *
 * @returns undefined where the question says none: the release before has asked it
 */
export function shownVersions(events: readonly TurnEvent[], approvalId: string): Map<number, number> | undefined {
  const place = events.findIndex((event) => event.type === "approval_request" && event.approval_id === approvalId);
  const request = events[place];
  if (request?.type !== "approval_request" || request.tasks === undefined) return undefined;
  return versionsAfter(new Map(request.tasks.map(({ id, version }) => [id, version])), events.slice(place));
}

/** The live claims that a question showed, by the ids of their tasks: a yes overrides them. */
export function shownClaims(events: readonly TurnEvent[], approvalId: string): Map<number, number> | undefined {
  const request = events.find((event) => event.type === "approval_request" && event.approval_id === approvalId);
  if (request?.type !== "approval_request") return undefined;
  const claims = (request.tasks ?? []).flatMap(({ id, claim }): [number, number][] =>
    claim === undefined ? [] : [[id, claim]],
  );
  return claims.length === 0 ? undefined : new Map(claims);
}

/** The versions that tasks have after calls, where they had these before and nobody else has changed them in between. */
export function versionsAfter(
  versions: ReadonlyMap<number, number>,
  events: readonly TurnEvent[],
): Map<number, number> {
  const after = new Map(versions);
  for (const event of events) {
    if (event.type !== "tool_output") continue;
    for (const { id, version } of tasksOf(event.output)) {
      if (version !== undefined && after.get(id) === version - 1) after.set(id, version);
    }
  }
  return after;
}
