import { configDefaults, defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // It installs the tools of others from the registry: npm run test:packaging.
    exclude: [...configDefaults.exclude, "test/packaging/**"],
    setupFiles: ["test/harness.ts"],
    pool: "forks",
    // Real Python processes share the machine's cores with the tests.
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    dangerouslyIgnoreUnhandledErrors: false,
  },
});
