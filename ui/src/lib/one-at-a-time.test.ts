import { expect, it } from "vitest";

import { oneAtATime } from "./one-at-a-time";

it("does once more what was asked for meanwhile, and never twice at once", async () => {
  const ends: (() => void)[] = [];
  const ask = oneAtATime(() => new Promise<void>((end) => ends.push(end)));
  const first = ask();
  void ask();
  void ask();
  expect(ends).toHaveLength(1);
  ends[0]?.();
  await Promise.resolve();
  await Promise.resolve();
  expect(ends).toHaveLength(2);
  ends[1]?.();
  await first;
  expect(ends).toHaveLength(2);
});

it("goes on after a failure", async () => {
  let count = 0;
  const ask = oneAtATime(() => {
    count += 1;
    return count === 1 ? Promise.reject(new Error("away")) : Promise.resolve();
  });
  await expect(ask()).rejects.toThrow("away");
  await ask();
  expect(count).toBe(2);
});
