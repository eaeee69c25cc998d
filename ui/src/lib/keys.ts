/** Keys: whether one still opens anything, and what it may open. */
export function standing(
  key: { revoked_at?: string | null; expires_at?: string | null },
  now: Date,
): "valid" | "revoked" | "expired" {
  if (key.revoked_at) return "revoked";
  return key.expires_at && new Date(key.expires_at) <= now ? "expired" : "valid";
}

/** Scopes by what they are about: `runs` has `runs:read`, `runs:create` and so on. */
export function byNoun(scopes: readonly string[]): [string, string[]][] {
  const groups = new Map<string, string[]>();
  for (const scope of scopes) {
    const noun = scope.split(":")[0] ?? scope;
    groups.set(noun, [...(groups.get(noun) ?? []), scope]);
  }
  return [...groups];
}

/** What is kept short where it is all, or all reading. */
export function scopesInWords(scopes: readonly string[], all: readonly string[]): string {
  if (all.length > 0 && all.every((scope) => scopes.includes(scope))) return "all";
  const reading = all.filter((scope) => scope.endsWith(":read"));
  const isReading = scopes.length === reading.length && reading.every((scope) => scopes.includes(scope));
  return isReading && reading.length > 0 ? "reading alone" : scopes.join(", ");
}

export const LIFETIMES: [string, number | null][] = [
  ["never", null],
  ["in 30 days", 30],
  ["in 90 days", 90],
  ["in a year", 365],
];

/** When a key made now expires. */
export function expiry(days: number | null, now: Date): string | null {
  return days === null ? null : new Date(now.getTime() + days * 86_400_000).toISOString();
}
