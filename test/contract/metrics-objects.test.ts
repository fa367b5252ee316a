import {
  createExecutionContext,
  evictDurableObject,
  runInDurableObject,
  waitOnExecutionContext,
} from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { createLogger } from "../../src/observability/log.ts";
import { MetricsRecorder } from "../../src/observability/metrics.ts";
import { MetricsHandOver } from "../../src/observability/metrics-hand-over.ts";
import type { HandOver, MetricsObject } from "../../src/observability/metrics-object.ts";
import { addTotals } from "../../src/observability/metrics-text.ts";

describe("a metrics object", () => {
  function object(): DurableObjectStub<MetricsObject> {
    return env.METRICS.getByName(crypto.randomUUID());
  }

  it("counts a hand-over once, however often it comes", async () => {
    const stub = object();
    const handOver = { isolate: "a", sequence: 1, deltas: [['x{version="1"}', [2]] as const] };
    await stub.add(handOver);
    await stub.add(handOver);
    await stub.add({ ...handOver, isolate: "b" });
    await stub.add({ ...handOver, sequence: 2 });

    expect(await stub.read()).toEqual(new Map([['x{version="1"}', [6]]]));
  });

  it("keeps its totals and what it has counted through evictions, however many hand-overs there were", async () => {
    const stub = object();
    for (let sequence = 1; sequence <= 150; sequence += 1) {
      await stub.add({ isolate: `isolate ${sequence % 3}`, sequence, deltas: [['x{version="1"}', [1, 0.5]]] });
      if (sequence % 40 === 0) await evictDurableObject(stub);
    }
    await evictDurableObject(stub);
    await stub.add({ isolate: "isolate 0", sequence: 150, deltas: [['x{version="1"}', [1, 0.5]]] });

    expect(await stub.read()).toEqual(new Map([['x{version="1"}', [150, 75]]]));
  });

  it("drops the series of a version that has counted nothing for a week", async () => {
    const stub = object();
    await stub.add({
      isolate: "old",
      sequence: 1,
      deltas: [
        ['x{version="old"}', [1]],
        ["no_version{}", [1]],
      ],
    });
    for (let sequence = 1; sequence < 64; sequence += 1) await stub.add({ isolate: "a", sequence, deltas: [] });
    await runInDurableObject(stub, (_, { storage }) => {
      storage.sql.exec("update totals set changed_at = changed_at - ?", 8 * 24 * 60 * 60 * 1000);
    });
    await evictDurableObject(stub);
    for (let sequence = 64; sequence < 128; sequence += 1) {
      await stub.add({ isolate: "a", sequence, deltas: [['x{version="new"}', [1]]] });
    }

    expect([...(await stub.read()).keys()].sort()).toEqual(["no_version{}", 'x{version="new"}']);
    await evictDurableObject(stub);
    expect([...(await stub.read()).keys()].sort()).toEqual(["no_version{}", 'x{version="new"}']);
  });
});

describe("what a metrics object keeps as open", () => {
  const GAUGE = "mcp_sessions_open";
  const later = () => Date.now() + 60_000;
  const openIn = async (stub: DurableObjectStub<MetricsObject>) => (await stub.read()).get(`${GAUGE}{}`);

  it("counts once, however often it is told, until it is closed, however often that is told", async () => {
    const stub = env.METRICS.getByName(crypto.randomUUID());
    await stub.open(GAUGE, "a", later());
    await stub.open(GAUGE, "a", later());
    await stub.open(GAUGE, "b", later());
    await evictDurableObject(stub);
    expect(await openIn(stub)).toEqual([2]);
    await stub.close(GAUGE, "a");
    await stub.close(GAUGE, "a");
    await stub.close(GAUGE, "never open");
    expect(await openIn(stub)).toEqual([1]);
  });

  it("counts no longer than it said that it would be open", async () => {
    const stub = env.METRICS.getByName(crypto.randomUUID());
    await stub.open(GAUGE, "a", Date.now() - 1);
    await stub.open(GAUGE, "b", later());
    expect(await openIn(stub)).toEqual([1]);
  });

  it("is not what a release before has added up", async () => {
    const stub = env.METRICS.getByName(crypto.randomUUID());
    await stub.add({ isolate: "old", sequence: 1, deltas: [[`${GAUGE}{}`, [-3]]] });
    expect(await openIn(stub)).toBeUndefined();
    await stub.open(GAUGE, "a", later());
    expect(await openIn(stub)).toEqual([1]);
  });
});

describe("a hand-over", () => {
  it("whose answer is lost goes again, and counts once", async () => {
    const stub = env.METRICS.getByName(crypto.randomUUID());
    let sent = 0;
    const forgetful = new Proxy(stub, {
      get(target, key) {
        if (key !== "add") return Reflect.get(target, key);
        return async (handOver: HandOver) => {
          sent += 1;
          await target.add(handOver);
          if (sent === 1) throw new Error("Network connection lost.");
        };
      },
    });
    const namespace = new Proxy(env.METRICS, {
      get: (target, key) => (key === "getByName" ? () => forgetful : Reflect.get(target, key)),
    });
    const recorder = new MetricsRecorder();
    recorder.count("sign_in_failures_total", {}, 3);
    const context = createExecutionContext();
    new MetricsHandOver(recorder).schedule({
      env: { METRICS: namespace, CF_VERSION_METADATA: { id: "v1", tag: "", timestamp: "" } },
      waitUntil: (promise) => context.waitUntil(promise),
      log: createLogger("error"),
    });
    await waitOnExecutionContext(context);

    expect(sent).toBe(2);
    expect(await stub.read()).toEqual(new Map([['sign_in_failures_total{version="v1"}', [3]]]));
  });
});

describe("a recorder", () => {
  it("gives each bucket what is at most its bound, and sums", () => {
    const recorder = new MetricsRecorder();
    for (const seconds of [0.005, 0.3, 0.5, 60]) {
      recorder.observe("http_request_duration_seconds", { route: "/x", method: "GET" }, seconds);
    }
    const [[series, values] = ["", []]] = recorder.take("v1");

    expect(series).toBe('http_request_duration_seconds{route="/x",method="GET",version="v1"}');
    expect(values).toEqual([1, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 1, 60.805]);
    expect(recorder.take("v1")).toEqual([]);
  });

  it("has its counts added up over the shards", () => {
    expect(addTotals([new Map([["a", [1, 2]]]), new Map([["a", [3, 4]]]), new Map([["b", [5]]])])).toEqual(
      new Map([
        ["a", [4, 6]],
        ["b", [5]],
      ]),
    );
  });
});
