import { join } from "node:path";
import { expect, test } from "vitest";
import { contractFile, fileMark } from "../../src/typegen/contract-file.ts";
import { kinds, plain, union, unsaid } from "./descriptions.ts";

// The golden files are type-checked with everything else: they import the door by its path. `vitest -u` writes them.
const golden = (name: string) => join(import.meta.dirname, "golden", `${name}.ts`);
const byPath = (text: string) => text.replace('from "synapse-otp"', 'from "../../../src/index.ts"');

test.each([
  ["kinds", kinds, { entry: "agents/kinds.py:agent" }],
  ["plain", plain, { entry: "app.agents:plain_agent" }],
  ["union", union, { entry: "agents/union.py:agent", depsFactory: "agents/union.py:make_deps" }],
  ["unsaid", unsaid, { entry: "agents/unsaid.py:agent" }],
] as const)("the file of %s is the golden one", async (name, description, source) => {
  await expect(byPath(contractFile(description, source))).toMatchFileSnapshot(golden(name));
});

test("the same description makes the same file, which says who has written it", () => {
  const source = { entry: "agents/kinds.py:agent" };
  expect(contractFile(structuredClone(kinds), source)).toBe(contractFile(kinds, source));
  expect(contractFile(kinds, source).startsWith(fileMark)).toBe(true);
});
