import { expect } from "vitest";
import type { Round, Turn } from "../../evals/eval-case.ts";
import type { ListOwner, Place } from "../../evals/run-case.ts";
import { readTasks, TASKS_OF_PERSON } from "../../evals/task-state.ts";
import { toStep } from "./eval-rounds.ts";
import { ownerQuery } from "./owner.ts";
import { Person } from "./person.ts";
import { Script } from "./scripted-model.ts";

/** The worker of the tests, with a scripted model behind its chat. */
export class ScriptedPlace implements Place {
  readonly #rounds: (turn: Turn) => readonly Round[];

  /** @param rounds what the model does in a turn */
  constructor(rounds: (turn: Turn) => readonly Round[]) {
    this.#rounds = rounds;
  }

  async signUp({ timeZone, weekStart }: Parameters<Place["signUp"]>[0]): Promise<ListOwner> {
    const person = await Person.signUp({ time_zone: timeZone });
    if (weekStart !== undefined) await send("PATCH", "/api/auth/me", { week_start: weekStart });
    return {
      post: (path, body) => send("POST", path, body),
      rows: async () => readTasks(await ownerQuery(TASKS_OF_PERSON, [person.id]), timeZone),
    };

    async function send(method: string, path: string, body: unknown): Promise<unknown> {
      const response = await person.send(path, { method, body });
      const answer: unknown = await response.json();
      expect(response.status, `${path} ${JSON.stringify(body)}: ${JSON.stringify(answer)}`).toBe(200);
      return answer;
    }
  }

  async message(turn: Turn): Promise<string> {
    const { mark } = await Script.write(this.#rounds(turn).map(toStep));
    return `${turn.person} ${mark}`;
  }
}

/** A model that does what each case says of one that does it right. */
export const rightModel = new ScriptedPlace(({ model }) => model);
