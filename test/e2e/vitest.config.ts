import { defineConfig } from "vitest/config";
import config from "../../vitest.config.ts";

/** What concerns the life of a worker, a second time, with fresh interpreters as where there is no zygote: `npm run test:spawn`. */
const files = [
  "crash",
  "drain",
  "entry-errors",
  "host-death",
  "hung",
  "intensity",
  "out-of-memory",
  "places",
  "random-api",
  "signals",
  "start-failures",
  "stopping",
  "swap",
];

export default defineConfig({
  test: {
    ...config.test,
    include: files.map((name) => `test/e2e/${name}.test.ts`),
    env: { SYNAPSE_TEST_LAUNCHER: "spawn" },
  },
});
