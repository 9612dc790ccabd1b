import { expect, test } from "vitest";
import { lastWordsOf } from "../../src/python/last-words.ts";

test.each([
  [[], undefined],
  [["", "  "], undefined],
  [["bash: python: command not found"], "bash: python: command not found"],
  [["Traceback", "ValueError: no", "a later line", ""], "ValueError: no"],
  [["grpc._channel.SomeError: no", "KeyError"], "KeyError"],
  [
    [
      "Fatal Python error: init_fs_encoding: failed to get the Python codec",
      "ModuleNotFoundError: No module named 'encodings'",
      "",
      "Current thread 0x00007f (most recent call first):",
      "  <no Python frame>",
    ],
    "ModuleNotFoundError: No module named 'encodings'",
  ],
  [["Fatal Python error: Aborted", "", "Current thread 0x1:", '  File "x.py", line 1'], "Fatal Python error: Aborted"],
  [["An Error: of no exception", "the end"], "the end"],
])("of %j it is %j", (lines, words) => {
  expect(lastWordsOf(lines)).toBe(words);
});
