/**
 * Signing in: by the one-time link, which brings its token, or with a key.
 *
 * The token stands in the link's fragment, which browsers send to no server and in no Referer.
 */
import { useMutation } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { type FormEvent, useEffect, useState } from "react";

import { signIn } from "../api/client";
import { Button, Command, Failure, useTitle } from "../components/basics";

/** The token of the address, which it is taken off, so that the history does not keep it. */
function takeToken(): string | null {
  const token = new URLSearchParams(window.location.hash.slice(1)).get("token");
  if (token) window.history.replaceState(window.history.state, "", window.location.pathname);
  return token;
}

export function SignIn() {
  useTitle("Sign in");
  const navigate = useNavigate();
  const [key, setKey] = useState("");
  const entering = useMutation({
    mutationFn: signIn,
    onSuccess: () => navigate({ to: "/runs", replace: true }),
  });
  const enter = entering.mutate;
  useEffect(() => {
    const token = takeToken();
    if (token) enter(token);
  }, [enter]);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    enter(key.trim());
  };
  return (
    <main className="mx-auto flex max-w-md flex-col gap-5 p-8">
      <h1 className="text-xl font-semibold">Runwright</h1>
      <form onSubmit={submit} className="flex flex-col gap-3">
        <label className="flex flex-col gap-1">
          Key
          <input
            type="password"
            autoComplete="current-password"
            required
            value={key}
            onChange={(event) => setKey(event.target.value)}
            className="rounded border border-line bg-surface px-2 py-1"
          />
        </label>
        <Button type="submit" disabled={entering.isPending}>
          Sign in
        </Button>
      </form>
      {entering.error && <Failure error={entering.error} />}
      <p className="text-faint">Or, where you have the command line, open the link that this prints:</p>
      <Command text="runwright server sign-in" />
    </main>
  );
}
