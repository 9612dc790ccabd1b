import { expect, test } from "vitest";
import { fixIn } from "../../src/doctor/finding.ts";

test.each([
  ["run: npx synapse-otp setup", { before: "run:", command: "npx synapse-otp setup" }],
  ['run in "/srv/my app": npx x', { before: "run:", command: "cd '/srv/my app' && npx x" }],
  [
    'rename or remove "/x", then run: npx x; then unset PYTHON_EXEC or set it to "/y"',
    {
      before: 'rename or remove "/x", then run:',
      command: "npx x",
      after: 'then unset PYTHON_EXEC or set it to "/y"',
    },
  ],
  [
    "run: npx x (it has no pip: the set-up takes uv or ensurepip)",
    { before: "run:", command: "npx x", after: "(it has no pip: the set-up takes uv or ensurepip)" },
  ],
  [
    "Traceback\n  a line\nif it is damaged, run: pip x\n",
    { before: "Traceback\n  a line\nif it is damaged, run:", command: "pip x" },
  ],
  ["if it is only slow, raise startTimeoutMs", { before: "if it is only slow, raise startTimeoutMs" }],
])("the command in %j is found", (words, fix) => {
  expect(fixIn(words)).toEqual(fix);
});
