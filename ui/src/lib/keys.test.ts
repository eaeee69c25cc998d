import { expect, test } from "vitest";

import { byNoun, expiry, scopesInWords, standing } from "./keys";

const NOW = new Date("2026-01-01T12:00:00Z");

test("a key is valid until it is revoked or its time is over", () => {
  expect(standing({}, NOW)).toBe("valid");
  expect(standing({ expires_at: "2026-01-02T00:00:00Z" }, NOW)).toBe("valid");
  expect(standing({ expires_at: "2026-01-01T12:00:00Z" }, NOW)).toBe("expired");
  expect(standing({ revoked_at: "2025-01-01T00:00:00Z" }, NOW)).toBe("revoked");
});

test("scopes are grouped, and told in a word where one is enough", () => {
  const all = ["flows:read", "flows:write", "runs:create", "runs:read"];
  expect(byNoun(all)).toEqual([
    ["flows", ["flows:read", "flows:write"]],
    ["runs", ["runs:create", "runs:read"]],
  ]);
  expect(scopesInWords(all, all)).toBe("all");
  expect(scopesInWords(["runs:read", "flows:read"], all)).toBe("reading alone");
  expect(scopesInWords(["runs:create"], all)).toBe("runs:create");
  expect(scopesInWords(["runs:read"], [])).toBe("runs:read");
});

test("a key expires after so many days, or never", () => {
  const now = new Date("2026-01-01T00:00:00Z");
  expect(expiry(30, now)).toBe("2026-01-31T00:00:00.000Z");
  expect(expiry(null, now)).toBeNull();
});
