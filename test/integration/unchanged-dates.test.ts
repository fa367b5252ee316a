import * as fc from "fast-check";
import { it } from "vitest";
import { DatedList } from "../support/dated-tasks/dated-list.ts";
import { anyStep, take } from "../support/dated-tasks/deeds.ts";
import { readAll, readExport } from "../support/dated-tasks/readings.ts";
import { ZONES } from "../support/dated-tasks/when.ts";

const RUNS = 15;

it("a date stays that date and a moment that moment, whatever is done to a task and wherever its person goes", async () => {
  const anyZones = fc.tuple(fc.constantFrom(...ZONES), fc.constantFrom(...ZONES));
  const steps = fc.array(anyStep, { minLength: 1, maxLength: 25, size: "max" });
  await fc.assert(
    fc.asyncProperty(steps, anyZones, fc.nat(), async (taken, zones, turn) => {
      const list = await DatedList.open();
      for (const step of taken) await take(list, step);
      for (const [place, zone] of zones.entries()) {
        await list.moveTo(zone);
        await readAll(list, turn + place);
      }
      await readExport(list);
    }),
    { numRuns: RUNS },
  );
});
