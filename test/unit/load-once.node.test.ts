import { expect, it } from "vitest";
import { loadOnce } from "../../src/load-once.ts";

it("loads a module with its first call, and never again", async () => {
  let loads = 0;
  const handlers = loadOnce(async () => ({ loads: ++loads }));
  expect(loads).toBe(0);
  const first = await handlers();
  expect(await handlers()).toBe(first);
  expect(loads).toBe(1);
});

it("tries again after a failure", async () => {
  let loads = 0;
  const handlers = loadOnce(async () => {
    loads += 1;
    if (loads === 1) throw new Error("broken off");
    return { loads };
  });
  await expect(handlers()).rejects.toThrow("broken off");
  expect(await handlers()).toEqual({ loads: 2 });
});
