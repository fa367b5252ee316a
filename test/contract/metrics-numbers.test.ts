import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { MetricsRecorder } from "../../src/observability/metrics.ts";

// One amount that is no number must not cost the others: once it is summed up and stored, no sum survives it.

describe("a metrics object", () => {
  it("leaves out a series that is not of numbers, and counts the others", async () => {
    const stub = env.METRICS.getByName(crypto.randomUUID());
    await stub.add({
      isolate: "a",
      sequence: 1,
      deltas: [
        ['x{version="1"}', [Number.NaN]],
        ['y{version="1"}', [1]],
        ['z{version="1"}', [1, Number.POSITIVE_INFINITY]],
      ],
    });
    await evictDurableObject(stub);

    expect(await stub.read()).toEqual(new Map([['y{version="1"}', [1]]]));
  });

  it("starts over rows that it cannot read, and goes on counting", async () => {
    const stub = env.METRICS.getByName(crypto.randomUUID());
    await stub.add({ isolate: "a", sequence: 1, deltas: [['y{version="1"}', [1]]] });
    await runInDurableObject(stub, (_, { storage: { sql } }) => {
      for (const [sequence, deltas] of ['[["x{}",[null]],["y{version=\\"1\\"}",[2]]]', "{", "null"].entries()) {
        sql.exec(
          "insert into journal (isolate, sequence, deltas_json, added_at) values ('b', ?, ?, ?)",
          sequence + 1,
          deltas,
          Date.now(),
        );
      }
      sql.exec("insert into totals values ('z{}', '[null]', 0), ('w{}', '[', 0)");
    });
    await evictDurableObject(stub);

    expect(await stub.read()).toEqual(new Map([['y{version="1"}', [3]]]));
    await stub.add({ isolate: "b", sequence: 3, deltas: [['y{version="1"}', [1]]] });
    await stub.add({ isolate: "b", sequence: 4, deltas: [["z{}", [1]]] });
    expect(await stub.read()).toEqual(
      new Map([
        ['y{version="1"}', [3]],
        ["z{}", [1]],
      ]),
    );
  });
});

describe("a recorder", () => {
  it("counts nothing where the amount is no number", () => {
    const recorder = new MetricsRecorder();
    recorder.count("agent_tokens_total", {}, Number.NaN);
    recorder.count("agent_tokens_total", {}, 7);
    recorder.observe("agent_turn_duration_seconds", {}, Number.NaN);

    expect(recorder.take("v1")).toEqual([['agent_tokens_total{version="v1"}', [7]]]);
  });
});
