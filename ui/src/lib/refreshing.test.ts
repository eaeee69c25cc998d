import { expect, test } from "vitest";

import { refreshing } from "./refreshing";

test("changes during an answer are asked for once more, after a rest", async () => {
  const answers: (() => void)[] = [];
  const rests: number[] = [];
  let time = 0;
  const changed = refreshing(
    () => new Promise<void>((done) => answers.push(done)),
    async (ms) => void rests.push(ms),
    () => time,
  );
  const done = changed();
  void changed();
  void changed();
  expect(answers.length).toBe(1);
  time = 500;
  answers[0]?.();
  await expect.poll(() => answers.length).toBe(2);
  answers[1]?.();
  await done;
  expect([answers.length, rests]).toEqual([2, [1500, 0]]);
});

test("after one that failed it goes on", async () => {
  let asked = 0;
  const changed = refreshing(
    async () => {
      asked += 1;
      if (asked === 1) throw new Error("away");
    },
    async () => undefined,
  );
  await expect(changed()).rejects.toThrow("away");
  await changed();
  expect(asked).toBe(2);
});
