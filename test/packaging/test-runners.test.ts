/** A user's tests, in Jest's ES modules and in Vitest. */

import { describe, expect, test } from "vitest";
import { packedEntry } from "../e2e/user-programs.ts";
import { readPageFiles } from "./page-files.ts";
import { createProject, titled, whatIsMissing } from "./user-project.ts";

/** The user's test file; `head` brings what the runner does not have as globals. */
const userTests = (head: string) => `
${head}
import { defineAgent, startSystem } from "synapse-otp";
import { call, fromGenServer, start, stop } from "synapse-otp/otp";
import { createFakeLauncher } from "synapse-otp/testing";

test("a real agent", async () => {
  const system = await startSystem({ children: [defineAgent({ id: "example", entry: "${packedEntry}" })] });
  try {
    const { output } = await system.agent("example").run("Good morning");
    expect(output).toBe("Hello from Python! You said: Good morning");
  } finally {
    await system.stop();
  }
}, 30_000);

test("a double", async () => {
  const launcher = createFakeLauncher({ script: { answer: ({ prompt }) => "fake " + prompt } });
  const children = [defineAgent({ id: "poet", entry: "poet.py:agent" })];
  const system = await startSystem({ children }, { launcher, interpreter: "none" });
  expect((await system.agent("poet").run("ode")).output).toBe("fake ode");
  await expect(system.agent("poet").run("")).resolves.toMatchObject({ attempts: 1 });
  expect(() => system.agent("nobody")).toThrow(expect.objectContaining({ name: "CallerError", code: "not_found" }));
  await system.stop();
});

test("the core", async () => {
  const ref = await start(fromGenServer({ init: () => ({ state: 40 }), handleCall: (m, state) => ({ reply: state + m }) }));
  expect(await call(ref, 2)).toBe(42);
  await stop(ref);
});
`;

const jestMissing = await whatIsMissing("jest@30");
describe.skipIf(jestMissing !== undefined)(titled("Jest", jestMissing), () => {
  test("runs a user's tests as ES modules", async () => {
    const project = await createProject(["jest@30"]);
    project.write({ "agent.test.js": userTests(""), ...readPageFiles("testing.md") });
    const args = ["--experimental-vm-modules", "--no-warnings", "node_modules/jest/bin/jest.js"];
    const { status, stderr } = await project.node(args);
    expect(stderr).toMatch(/^Tests: +3 passed, 3 total$/m);
    expect(stderr).not.toMatch(/did not exit/);
    expect(status).toBe(0);
  });
});

const vitestMissing = await whatIsMissing("vitest");
describe.skipIf(vitestMissing !== undefined)(titled("Vitest", vitestMissing), () => {
  test.each(["forks", "threads"])("runs a user's tests, in %s", async (pool) => {
    const project = await createProject(["vitest"]);
    project.write({ "agent.test.js": userTests('import { expect, test } from "vitest";') });
    const { status, stdout, stderr } = await project.node(["node_modules/vitest/vitest.mjs", "run", `--pool=${pool}`], {
      NO_COLOR: "1",
      VITEST: undefined,
    });
    expect(stdout, stderr).toMatch(/Tests +3 passed \(3\)/);
    expect(status).toBe(0);
  });
});
