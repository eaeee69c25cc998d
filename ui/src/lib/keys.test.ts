import { expect, test } from "vitest";

import { standing } from "./keys";

const NOW = new Date("2026-01-01T12:00:00Z");

test("a key is valid until it is revoked or its time is over", () => {
  expect(standing({}, NOW)).toBe("valid");
  expect(standing({ expires_at: "2026-01-02T00:00:00Z" }, NOW)).toBe("valid");
  expect(standing({ expires_at: "2026-01-01T12:00:00Z" }, NOW)).toBe("expired");
  expect(standing({ revoked_at: "2025-01-01T00:00:00Z" }, NOW)).toBe("revoked");
});
