import { expect, test } from "vitest";

import { inUse, linesOf } from "./host";

const AT = "1970-01-01T00:00:01Z";

test("what was told becomes a line, and what was not becomes none", () => {
  const lines = linesOf([
    { at: AT, cpu_used: 0.25, memory_used_bytes: 3, memory_total_bytes: 4 },
    { at: "1970-01-01T00:00:02Z", cpu_used: 0.75 },
  ]);
  expect(lines).toEqual([
    { name: "CPU", values: [0.25, 0.75], words: ["25 %", "75 %"], last: 1, most: 1 },
    { name: "Memory", values: [0.75, null], words: ["75 %", "–"], last: 0, most: 0 },
  ]);
});

test("what a run takes is a part of what the machine has, and said as an amount", () => {
  const [cpu, memory] = linesOf([
    { at: AT, cpu_count: 4, memory_total_bytes: 2 ** 30, run_cpu_cores: 1.5, run_memory_bytes: 2 ** 28 },
  ]);
  expect([cpu?.name, cpu?.values, cpu?.words]).toEqual(["CPU of the run", [0.375], ["1.50 cores"]]);
  expect([memory?.name, memory?.values, memory?.words]).toEqual(["Memory of the run", [0.25], ["256 MiB"]]);
});

test("in a container its own limit is the whole memory", () => {
  const [memory] = linesOf([{ at: AT, memory_used_bytes: 9, memory_limit_bytes: 10, memory_total_bytes: 100 }]);
  expect(memory?.values).toEqual([0.9]);
});

test("what is in use is said as it is drawn", () => {
  const host = { memory_used_bytes: 9, memory_limit_bytes: 10, memory_total_bytes: 100 };
  expect([inUse(host, "Memory"), inUse(host, "CPU"), inUse(null, "Disk")]).toEqual(["90 %", "–", "–"]);
});
