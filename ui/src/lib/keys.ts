/** Whether a key still opens anything. */
export function standing(
  key: { revoked_at?: string | null; expires_at?: string | null },
  now: Date,
): "valid" | "revoked" | "expired" {
  if (key.revoked_at) return "revoked";
  return key.expires_at && new Date(key.expires_at) <= now ? "expired" : "valid";
}
