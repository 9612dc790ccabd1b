import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";

const root = resolve(import.meta.dirname, "..", "..");
const source = ["errors.ts", "error-codes.ts", "error-facts.ts"]
  .map((name) => readFileSync(join(root, "src", name), "utf8"))
  .join("\n");
const page = readFileSync(join(root, "docs", "errors.md"), "utf8");

const sections = [
  ["CallerErrorCode", "## CallerError"],
  ["RunErrorCode", "## RunError"],
  ["RunErrorKind", "### Kinds"],
  ["WorkerErrorCode", "## WorkerError"],
  ["ProcessErrorCode", "## ProcessError"],
] as const;

test.each(sections)("docs/errors.md explains every %s and no other", (union, heading) => {
  expect(codesInPage(heading)).toEqual(codesInSource(union));
});

test("docs/errors.md names every fact of a RunError and no other", () => {
  const [, body = ""] = /export interface RunErrorFacts \{([^}]*)\}/.exec(source) ?? [];
  const [, table = ""] = /### Facts\n+((?:\|.*\n)+)/.exec(page) ?? [];
  const told = [...table.matchAll(/^\|([^|]*)\|/gm)].flatMap(([, cell = ""]) => [...cell.matchAll(/`(\w+)`/g)]);
  const fields = [...body.matchAll(/^ {2}(\w+)\?:/gm)];
  expect(told.map(([, name]) => name).sort()).toEqual(fields.map(([, name]) => name).sort());
});

test("whatever the docs name with an underscore is a word of the code", () => {
  const code = ["src", "python/src", "proto"].map((folder) => textOf(join(root, folder))).join("\n");
  // docs/otp.md names Erlang's functions; the others are options of service managers.
  const foreign = new Set(["kill_timeout", "stop_grace_period"]);
  const pages = readdirSync(join(root, "docs")).filter((name) => name.endsWith(".md") && name !== "otp.md");
  const unknown = ["README.md", ...pages.map((name) => join("docs", name))].flatMap((path) => {
    const prose = readFileSync(join(root, path), "utf8")
      .replaceAll(/^```[\s\S]*?^```/gm, "")
      // It names modules and functions of another package; test/e2e runs them.
      .replace(/^### pydantic-ai's own examples$[\s\S]*?(?=^##+ |(?![\s\S]))/m, "");
    const words = [...prose.matchAll(/`"?([a-z]+(?:_[a-z]+)+)"?`/g)].map(([, word = ""]) => word);
    return words
      .filter((word) => !foreign.has(word) && !new RegExp(`\\b${word}\\b`).test(code))
      .map((word) => `${path}: ${word}`);
  });
  expect(unknown).toEqual([]);
});

/** All sources below a folder, generated ones aside. */
function textOf(folder: string): string {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true });
  const sources = files.filter(({ name }) => /\.(ts|py|proto)$/.test(name) && !/_pb2?\./.test(name));
  return sources.map(({ parentPath, name }) => readFileSync(join(parentPath, name), "utf8")).join("\n");
}

function codesInSource(union: string): string[] {
  const code = source.replaceAll(/\/\*\*[\s\S]*?\*\//g, "");
  const declaration = new RegExp(`export type ${union} =([^;]*);`).exec(code)?.[1] ?? "";
  return [...declaration.matchAll(/"(\w+)"/g)].map(([, name = ""]) => name).sort();
}

/** The first cells of the table below a heading, up to the next heading. */
function codesInPage(heading: string): string[] {
  const start = page.indexOf(`\n${heading}`);
  expect(start, heading).toBeGreaterThan(-1);
  const rest = page.slice(start + 1 + heading.length);
  const next = rest.search(/^##/m);
  const section = next === -1 ? rest : rest.slice(0, next);
  return [...section.matchAll(/^\| `(\w+)` \|/gm)].map(([, name = ""]) => name).sort();
}
