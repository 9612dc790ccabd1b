import { describe, expect, test } from "vitest";
import { readPythonSource, readSource, type SourceFile } from "./source.ts";

const written = readSource().filter(({ room }) => room !== "gen");
const code = ({ text }: SourceFile) => text.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, "");
const having = (pattern: RegExp) => written.filter((file) => pattern.test(code(file))).map(({ path }) => path);

test.each([
  ["a default export", /^export default\b/m],
  ["export *", /^export \*/m],
  ["the type any", /(?::|<|\bas|\||,)\s*any\b(?!\s*:)/],
  ["an enum", /^(?:export )?(?:const )?enum\b/m],
  ["a namespace", /^(?:export )?namespace\b/m],
  ["an end of the host process", /\bprocess\.(?:exit|abort)\(/],
  ["console", /\bconsole\.\w+\(/],
])("no file has %s", (_what, pattern) => {
  expect(having(pattern)).toEqual([]);
});

describe("names", () => {
  test("files are kebab-case", () => {
    const odd = written
      .map(({ path }) => path)
      .filter((path) => !/^(?:[a-z0-9-]+\/)*[a-z0-9]+(?:-[a-z0-9]+)*\.ts$/.test(path));
    expect(odd).toEqual([]);
  });

  test("folders are concerns, not kinds", () => {
    const kinds = /(?:^|\/)(?:utils?|types|helpers?|common|constants|shared|lib|managers?)(?:\/|\.ts$)/;
    expect(written.map(({ path }) => path).filter((path) => kinds.test(path))).toEqual([]);
  });
});

test("every file says in its first line what it is, after the line that makes it a program", () => {
  expect(written.filter(({ text }) => !/^(?:#!.*\n)?\/\*\*/.test(text)).map(({ path }) => path)).toEqual([]);
});

test("a file has at most 300 lines, or says in its first comment why it has more", () => {
  const long = written.filter(({ text }) => text.split("\n").length > 301);
  const silent = long.filter(({ text }) => !/^\/\*\*[^/]*\bmore than 300 lines because\b/.test(text));
  expect(silent.map(({ path }) => path)).toEqual([]);
});

test("a Python file of the worker has at most 300 lines", () => {
  const python = readPythonSource();
  expect(python.length).toBeGreaterThan(40);
  expect(python.filter(({ text }) => text.split("\n").length > 301).map(({ path }) => path)).toEqual([]);
});

test("every export has a doc comment", () => {
  const bare = written
    .filter(({ path }) => !/(?:^|\/)index\.ts$/.test(path))
    .flatMap(({ path, text }) => {
      const lines = text.split("\n");
      return lines.flatMap((line, index) => {
        const name = /^export (?:abstract |async )?(?:class|function\*?|const|interface|type) (\w+)/.exec(line)?.[1];
        if (name === undefined) return [];
        const before = lines[index - 1] ?? "";
        // The second signature of an overloaded function, and its body, share the first one's comment.
        const overload = lines.slice(0, index).some((other) => other.startsWith(`export function ${name}`));
        return before.trim().endsWith("*/") || before.startsWith("// biome-ignore") || overload
          ? []
          : [`${path}: ${name}`];
      });
    });
  expect(bare).toEqual([]);
});
