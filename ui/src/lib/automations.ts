/** Automations in words. */

type Part = Record<string, unknown>;

const list = (value: unknown): string[] =>
  Array.isArray(value) ? value.map(String) : typeof value === "string" ? [value] : [];

/** `when "runwright.flow-run.Failed" happens 3 times in 60 s`. */
export function triggerInWords(trigger: Part): string {
  const parts = trigger["triggers"];
  if (Array.isArray(parts)) {
    const joint = trigger["type"] === "sequence" ? ", then " : trigger["require"] === "any" ? " or " : " and ";
    return parts.map((part) => triggerInWords(part as Part)).join(joint);
  }
  if (typeof trigger["metric"] === "object" && trigger["metric"] !== null) {
    const metric = trigger["metric"] as Part;
    return `when ${metric["name"]} is ${metric["operator"]} ${metric["threshold"]}`;
  }
  const seconds = Number(trigger["within"] ?? 0);
  const within = seconds > 0 ? ` within ${seconds} s` : "";
  const events = list(trigger["expect"]).join(" or ") || "anything";
  if (trigger["posture"] === "Proactive") return `when ${events} has not happened${within}`;
  const times = Number(trigger["threshold"] ?? 1);
  return `when ${events} happens${times > 1 ? ` ${times} times` : ""}${within}`;
}

/** `send-notification, pause-deployment`. */
export function actionsInWords(actions: readonly Part[]): string {
  return actions.map((action) => String(action["type"] ?? "?").replaceAll("-", " ")).join(", ");
}

/** `call webhook: done`, `run deployment: given up after 5 tries`. */
export function outcomeInWords(outcome: { action: Part; status: string; tries: number }): string {
  const tries = `${outcome.tries} ${outcome.tries === 1 ? "try" : "tries"}`;
  const words: Record<string, string> = {
    pending: outcome.tries === 0 ? "waits" : `waits after ${tries}`,
    executed: "done",
    failed: "cannot be done",
    dead: `given up after ${tries}`,
  };
  return `${actionsInWords([outcome.action])}: ${words[outcome.status] ?? outcome.status}`;
}
