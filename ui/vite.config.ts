import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

export default defineConfig({
  // Every address is relative to <base>, which the server sets: it may be shown under a sub-path.
  base: "./",
  plugins: [react(), tailwindcss()],
  // The page's policy lets no style element in; see the file.
  resolve: { alias: { "react-remove-scroll": fileURLToPath(new URL("src/lib/scroll-lock.tsx", import.meta.url)) } },
  build: {
    outDir: "../src/runwright/server/ui_dist",
    emptyOutDir: true,
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
  },
  server: { proxy: { "/api": "http://127.0.0.1:4300" } },
  test: { include: ["src/**/*.test.ts"] },
});
