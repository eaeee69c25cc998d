/** What does the same in a shell: to be copied, so every word is quoted as the shell wants it. */

const PLAIN = /^[\w@%+=:,./-]+$/;

/** One word for a POSIX shell, whatever is in it. */
export function quoted(word: string): string {
  return PLAIN.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

export function command(...words: string[]): string {
  return ["runwright", ...words].map(quoted).join(" ");
}

/** A run of a deployment, named `flow/name`, with these parameters. */
export function runCommand(deployment: string, parameters: Record<string, unknown>): string {
  const given = Object.entries(parameters);
  // What is before the first "=" is the name; one that has an "=" itself goes only with all of them.
  const words = given.every(([name]) => name !== "" && !name.includes("="))
    ? given.flatMap(([name, value]) => ["--param", `${name}=${written(value)}`])
    : ["--params", JSON.stringify(parameters)];
  return command("deployment", "run", deployment, ...words);
}

/** The command line reads as JSON whatever is JSON: a text that looks like it needs its own quotes. */
function written(value: unknown): string {
  if (typeof value !== "string") return JSON.stringify(value);
  try {
    JSON.parse(value);
    return JSON.stringify(value);
  } catch {
    return value;
  }
}
