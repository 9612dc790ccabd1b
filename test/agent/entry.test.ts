import { expect, test } from "vitest";
import { checkEntry, parseEntry } from "../../src/agent/entry.ts";

test.each([
  ["poet.py:agent", { file: "poet.py", attribute: "agent" }],
  ["dir/with space/poet.py:agent_2", { file: "dir/with space/poet.py", attribute: "agent_2" }],
  ["C:/agents/poet.py:_private", { file: "C:/agents/poet.py", attribute: "_private" }],
  ["agents/poet:agent", { file: "agents/poet", attribute: "agent" }],
  ["poet:agent", { module: "poet", attribute: "agent" }],
  ["package.module:agent", { module: "package.module", attribute: "agent" }],
])("%s names a file or a module, and an attribute of it", (entry, parts) => {
  expect(parseEntry(entry)).toEqual(parts);
  expect(checkEntry("spec.entry", entry)).toEqual(parts);
});

test.each([
  "",
  ":agent",
  "poet.py",
  "poet.py:",
  "poet.py:9lives",
  "poet.py:a.b",
  "po\0et.py:agent",
  7,
  undefined,
  null,
])("%j is none: the error names field, value, rule and whose it is", (entry) => {
  expect(parseEntry(entry)).toBeUndefined();
  expect(() => checkEntry("spec.deps", entry, ' (agent "poet")')).toThrow(
    expect.objectContaining({
      code: "invalid_argument",
      field: "spec.deps",
      value: entry,
      rule: '"path/to/file.py:attribute" or "package.module:attribute" (agent "poet")',
    }),
  );
});
