import { expect, test } from "vitest";

import { inUse, linesOf } from "./host";

const AT = "1970-01-01T00:00:01Z";

test("what was told becomes a line, and what was not becomes none", () => {
  const lines = linesOf([
    { at: AT, cpu_used: 0.25, memory_used_bytes: 3, memory_total_bytes: 4 },
    { at: "1970-01-01T00:00:02Z", cpu_used: 0.75 },
  ]);
  expect(lines).toEqual([
    { name: "CPU", values: [0.25, 0.75], last: 0.75, most: 0.75 },
    { name: "Memory", values: [0.75, null], last: 0.75, most: 0.75 },
  ]);
});

test("in a container its own limit is the whole memory", () => {
  const [memory] = linesOf([{ at: AT, memory_used_bytes: 9, memory_limit_bytes: 10, memory_total_bytes: 100 }]);
  expect(memory?.most).toBe(0.9);
});

test("what is in use is said as it is drawn", () => {
  const host = { memory_used_bytes: 9, memory_limit_bytes: 10, memory_total_bytes: 100 };
  expect([inUse(host, "Memory"), inUse(host, "CPU"), inUse(null, "Disk")]).toEqual(["90 %", "–", "–"]);
});
