/** A change, after which everything that is shown is asked for again. */
import { useMutation, useQueryClient } from "@tanstack/react-query";

export function useAct<T, R = unknown>(act: (what: T) => Promise<R>, then?: (result: R) => void) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: act,
    onSuccess: then,
    onSettled: () => queries.invalidateQueries(),
  });
}
