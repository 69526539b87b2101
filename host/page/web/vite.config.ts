/// <reference types="vitest/config" />
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";

/** React Aria carries its own words in thirty languages; the page speaks two. */
function twoLanguages(): Plugin {
  const words = /[\\/]intl[\\/](?:[^\\/]+[\\/])*([a-z]{2}-[A-Z]{2})\.m?js$/;
  return {
    name: "two-languages",
    enforce: "pre",
    apply: "build",
    load(id) {
      const language = words.exec(id)?.[1];
      return language === undefined || language === "en-US" || language === "de-DE" ? null : "export default {};";
    },
  };
}

export default defineConfig({
  // Served at /app/, or below the path at which a vendor has nested the router.
  base: "./",
  plugins: [twoLanguages(), react()],
  build: {
    outDir: "../dist",
    emptyOutDir: true,
    target: "es2023",
    modulePreload: { polyfill: false },
    // A data: address would need more than 'self' in the policy for fonts and styles.
    assetsInlineLimit: 0,
    sourcemap: false,
  },
  test: {
    // What needs a browser is looked at in one; these are the parts that do not.
    environment: "node",
    include: ["src/**/*.test.ts"],
    restoreMocks: true,
  },
});
