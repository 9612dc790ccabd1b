import { defineConfig } from "vitest/config";

/** The packed package in projects that npm installs: `npm run test:packaging`. */
export default defineConfig({
  test: {
    include: ["test/packaging/**/*.test.ts"],
    setupFiles: ["test/harness.ts"],
    globalSetup: ["test/packaging/packed-once.ts"],
    pool: "forks",
    // Builds of Next.js and webpack use both cores by themselves.
    maxWorkers: 2,
    testTimeout: 300_000,
    hookTimeout: 300_000,
    dangerouslyIgnoreUnhandledErrors: false,
  },
});
