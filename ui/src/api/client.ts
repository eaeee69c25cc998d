/** Requests to the control plane, typed by its own description. */
import createClient, { type Middleware } from "openapi-fetch";

import type { components, paths } from "./schema";

export type FlowRun = components["schemas"]["FlowRun"];
export type TaskRun = components["schemas"]["TaskRun"];
export type Deployment = components["schemas"]["Deployment"];
export type WorkPool = components["schemas"]["WorkPool"];
export type WorkQueue = components["schemas"]["WorkQueue"];
export type Worker = components["schemas"]["Worker"];
export type Reason = components["schemas"]["Reason"];
export type Log = components["schemas"]["Log"];
export type StateType = components["schemas"]["StateType"];
export type Query = components["schemas"]["Query"];

/** What the control plane answered in place of what was asked for. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

/** Where the page lives: the server sets it, and a proxy may show it under a sub-path. */
export const base = new URL(document.baseURI).pathname.replace(/\/$/, "");

let token: Promise<string> | null = null;

/** What shows that a change comes from this page; fetched once for a session. */
async function csrfToken(): Promise<string> {
  token ??= fetch(`${base}/api/csrf-token`).then(async (answer) =>
    answer.ok ? ((await answer.json()) as { token: string }).token : "",
  );
  return token;
}

export function forgetSession(): void {
  token = null;
}

/** Reads are sent as POST where they carry a filter: those need the word too. */
const guard: Middleware = {
  async onRequest({ request }) {
    if (request.method !== "GET") request.headers.set("prefect-csrf-token", await csrfToken());
    return request;
  },
};

export const api = createClient<paths>({ baseUrl: base });
api.use(guard);

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** The data of an answer, or a Refusal with the control plane's own words. */
export async function good<T>(asked: Promise<Answer<T>>): Promise<T> {
  const { data, error, response } = await asked;
  if (response.ok) return data as T;
  if (response.status === 401) forgetSession();
  throw new Refusal(response.status, wordsOf(error) ?? `The server answered ${response.status}.`);
}

function wordsOf(error: unknown): string | null {
  if (typeof error !== "object" || error === null) return null;
  const { detail, exception_message } = error as { detail?: unknown; exception_message?: unknown };
  const said = typeof detail === "string" ? detail : exception_message;
  return typeof said === "string" ? said : null;
}

/** Exchange a one-time token or a key for a session, which a cookie keeps. */
export async function signIn(secret: string): Promise<void> {
  const answer = await fetch(`${base}/api/session`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ token: secret }),
  });
  if (!answer.ok) {
    const said = wordsOf(await answer.json().catch(() => null));
    throw new Refusal(answer.status, said ?? "That did not work.");
  }
  forgetSession();
}

export async function signOut(): Promise<void> {
  await good(api.DELETE("/api/session"));
  forgetSession();
}
