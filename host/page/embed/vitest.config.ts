import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    // The tests' frames load nothing, which happy-dom reports each time.
    onConsoleLog: (log) => !log.includes("Iframe page loading is disabled"),
    environment: "happy-dom",
    environmentOptions: {
      happyDOM: { url: "https://app.northwind.example/settings", settings: { disableIframePageLoading: true } },
    },
  },
});
