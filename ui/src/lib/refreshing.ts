/** What is shown is asked for again when something has changed, and no oftener than that helps. */

/** At most so much of the time is spent on asking: what takes long is asked for less often. */
const REST = 3;
const MOST_REST_MS = 10_000;

/**
 * A function to call at every change. While an answer is awaited, changes are remembered and no
 * question is begun anew: under constant changes, none would ever be answered.
 */
export function refreshing(
  ask: () => Promise<unknown>,
  pause: (ms: number) => Promise<unknown> = (ms) => new Promise((done) => setTimeout(done, ms)),
  now: () => number = () => performance.now(),
): () => Promise<void> {
  let isBusy = false;
  let isStale = false;
  return async () => {
    isStale = true;
    if (isBusy) return;
    isBusy = true;
    try {
      while (isStale) {
        isStale = false;
        const began = now();
        await ask();
        await pause(Math.min(MOST_REST_MS, REST * (now() - began)));
      }
    } finally {
      isBusy = false;
    }
  };
}
