import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

export default defineConfig({
  // Every address is relative to <base>, which the server sets: it may be shown under a sub-path.
  base: "./",
  plugins: [react(), tailwindcss()],
  build: {
    outDir: "../src/runwright/server/ui_dist",
    emptyOutDir: true,
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
  },
  server: { proxy: { "/api": "http://127.0.0.1:4300" } },
  test: { include: ["src/**/*.test.ts"] },
});
