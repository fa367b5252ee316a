import { describe, expect, it } from "vitest";
import { sleep } from "../../ops/runbook/duration.ts";
import { Procedure } from "../../ops/runbook/procedure.ts";
import { interruptible } from "../../ops/runbook/release/interruption.ts";

describe("a release that is told to stop", () => {
  const procedure = (told: string[] = []) =>
    new Procedure("deploy", { isDryRun: false, tell: (line) => void told.push(line) });

  it.each(["SIGINT", "SIGTERM", "SIGHUP"] as const)("comes to an end of its own at %s", async (signal) => {
    const told: string[] = [];
    const ended = interruptible(procedure(told), async (interruption) => {
      process.emit(signal, signal);
      process.emit(signal, signal);
      await sleep(60_000, interruption).catch((error: unknown) => {
        told.push(`rolled back, ${error instanceof Error ? error.message : error}`);
      });
      return "concluded";
    });

    await expect(ended).resolves.toBe("concluded");
    expect(told).toEqual([
      `  ${signal}: no further step is begun; what has been deployed is rolled back`,
      `rolled back, interrupted by ${signal}`,
    ]);
  });

  it("leaves the signals to others when it is over", async () => {
    const before = process.listenerCount("SIGTERM");
    await expect(interruptible(procedure(), () => Promise.reject(new Error("no")))).rejects.toThrow("no");
    expect(process.listenerCount("SIGTERM")).toBe(before);
  });
});
