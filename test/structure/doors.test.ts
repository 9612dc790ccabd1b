import { execFile } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { exportsOf, root } from "./source.ts";

// What a door lists is the public API: a name that is added or taken away is a decision, written down here.
const doors = JSON.parse(readFileSync(join(import.meta.dirname, "doors.json"), "utf8")) as Record<
  string,
  { source: string; values: string[]; types: string[] }
>;

describe.each(Object.entries(doors))('the door "%s"', (_door, { source, values, types }) => {
  test("exports exactly what is written down", () => {
    expect(exportsOf(source)).toEqual({ values, types });
  });
});

describe("the package as it is published", () => {
  const run = promisify(execFile);
  let directory: string;

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), "synapse-build-"));
    cpSync(join(root, "package.json"), join(directory, "package.json"));
    symlinkSync(join(root, "node_modules"), join(directory, "node_modules"));
    const tsc = join(root, "node_modules/.bin/tsc");
    await run(tsc, ["-p", "tsconfig.build.json", "--outDir", join(directory, "dist")], { cwd: root });
  });

  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  test("its doors resolve by the package's own name, and give the values that are written down", async () => {
    const names = Object.keys(doors);
    const program = `
      const found = {};
      for (const name of ${JSON.stringify(names)}) found[name] = Object.keys(await import(name)).sort();
      process.stdout.write(JSON.stringify(found));
    `;
    const { stdout } = await run(process.execPath, ["--input-type=module", "-e", program], { cwd: directory });
    const expected = Object.fromEntries(Object.entries(doors).map(([name, { values }]) => [name, values]));
    expect(JSON.parse(stdout)).toEqual(expected);
  });

  test("every path of its exports is there, with types", async () => {
    const { exports } = JSON.parse(readFileSync(join(directory, "package.json"), "utf8")) as {
      exports: Record<string, string | Record<string, string>>;
    };
    const paths = Object.values(exports).flatMap((entry) =>
      typeof entry === "string" ? [entry] : Object.values(entry),
    );
    for (const path of paths) expect(readFileSync(join(directory, path), "utf8").length).toBeGreaterThan(0);
    const doors = [".", "./otp", "./testing", "./http", "./inspect", "./simulate", "./viewer", "./package.json"];
    expect(Object.keys(exports)).toEqual(doors);
  });

  test("what is private cannot be reached", async () => {
    const program = 'await import("synapse-otp/dist/system.js")';
    const error = await run(process.execPath, ["--input-type=module", "-e", program], { cwd: directory }).catch(
      (thrown: unknown) => thrown,
    );
    expect(String(error)).toContain("ERR_PACKAGE_PATH_NOT_EXPORTED");
  });
});
