import "./styles.css";

import { QueryCache, QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { Refusal } from "./api/client";
import { followTheme } from "./lib/theme";
import { router } from "./router";

const isRefused = (error: Error) => error instanceof Refusal && error.status < 500;

const queries = new QueryClient({
  queryCache: new QueryCache({
    onError: (error) => {
      if (error instanceof Refusal && error.status === 401) void router.navigate({ to: "/sign-in" });
    },
  }),
  defaultOptions: {
    queries: { staleTime: 5_000, retry: (count, error) => !isRefused(error) && count < 3 },
  },
});

followTheme();
const place = document.getElementById("root");
if (place)
  createRoot(place).render(
    <StrictMode>
      <QueryClientProvider client={queries}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </StrictMode>,
  );
