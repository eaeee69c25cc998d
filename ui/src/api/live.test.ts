import { QueryClient } from "@tanstack/react-query";
import { afterEach, beforeEach, expect, it, vi } from "vitest";

/** What a browser offers, driven by hand. */
class Source {
  static readonly CLOSED = 2;
  static all: Source[] = [];
  readyState = 0;
  listeners = new Map<string, () => void>();
  constructor(readonly address: string) {
    Source.all.push(this);
  }
  addEventListener(name: string, call: () => void) {
    this.listeners.set(name, call);
  }
  close() {
    this.readyState = Source.CLOSED;
  }
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("document", { baseURI: "http://here/flows/" });
  vi.stubGlobal("EventSource", Source);
  Source.all = [];
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

it("tells since when the server is away, tries again, and then asks for everything", async () => {
  const { listen } = await import("./live");
  const queries = new QueryClient();
  const asked = vi.spyOn(queries, "invalidateQueries").mockResolvedValue();
  const told: (Date | null)[] = [];
  const stop = listen(queries, ({ since }) => told.push(since));
  const [first] = Source.all;
  expect(first?.address).toBe("/flows/api/ui/changes");
  first?.listeners.get("changed")?.();
  expect(told).toEqual([null]);

  // The browser itself goes on trying: nothing is to be done.
  first?.listeners.get("error")?.();
  const away = told.at(-1);
  expect(away).toBeInstanceOf(Date);
  vi.advanceTimersByTime(10_000);
  expect(Source.all).toHaveLength(1);

  // A proxy has answered for the server: the browser gives up, and the page does not.
  first?.close();
  first?.listeners.get("error")?.();
  expect(told.at(-1)).toBe(away);
  vi.advanceTimersByTime(10_000);
  expect(Source.all).toHaveLength(2);
  asked.mockClear();
  Source.all[1]?.listeners.get("changed")?.();
  expect(told.at(-1)).toBeNull();
  expect(asked).toHaveBeenCalledTimes(1);

  stop();
  vi.advanceTimersByTime(10_000);
  expect(Source.all).toHaveLength(2);
  expect(Source.all[1]?.readyState).toBe(Source.CLOSED);
});
