/** An act that is asked for while it is under way is done once more afterwards, however often it was asked for. */
export function oneAtATime(act: () => Promise<unknown>): () => Promise<void> {
  let isUnderWay = false;
  let isWanted = false;
  return async () => {
    isWanted = true;
    if (isUnderWay) return;
    isUnderWay = true;
    try {
      while (isWanted) {
        isWanted = false;
        await act();
      }
    } finally {
      isUnderWay = false;
    }
  };
}
