import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { buildIfStale } from "../../scripts/build-if-stale.ts";
import { type Example, readExamples } from "./code-blocks.ts";

const root = resolve(import.meta.dirname, "..", "..");
const deadlineMs = 60_000;

const pages = ["README.md", ...readdirSync(join(root, "docs")).map((name) => `docs/${name}`)];
const examples = pages.flatMap((page) => readExamples(page, readFileSync(join(root, page), "utf8")));

/** Inside the package, so that "synapse-otp" is this package; ignored by git. */
let directory: string;

beforeAll(async () => {
  await buildIfStale();
  mkdirSync(join(root, ".bench"), { recursive: true });
  directory = mkdtempSync(join(root, ".bench", "docs-"));
  const config = { extends: "../../tsconfig.json", include: ["*.ts"], compilerOptions: { types: ["node"] } };
  writeFileSync(join(directory, "tsconfig.json"), JSON.stringify(config));
  for (const example of examples) writeFileSync(fileOf(example), example.code);
  await writeContracts();
}, deadlineMs);

/** What the pages tell their reader to have written first. */
async function writeContracts(): Promise<void> {
  const pattern = /`npx synapse-otp typegen (\S+) --out (\S+)`/g;
  for (const [, entry = "", out = ""] of readFileSync(join(root, "docs", "agents.md"), "utf8").matchAll(pattern)) {
    const program = join(root, "dist", "cli", "main.js");
    const { output, exitCode } = await run(
      process.execPath,
      [program, "typegen", entry, "--out", join(directory, out)],
      join(root, "python"),
    );
    expect(exitCode, output).toBe(0);
  }
}

afterAll(() => rmSync(directory, { recursive: true, force: true }));

test("the pages have examples", () => {
  expect(examples.map(({ name }) => name.split(":")[0])).toEqual(
    expect.arrayContaining(["README.md", "docs/agents.md"]),
  );
});

test("every example type-checks", async () => {
  const { output, exitCode } = await run(join(root, "node_modules", ".bin", "tsc"), ["-p", directory, "--noEmit"]);
  expect(output).toBe("");
  expect(exitCode).toBe(0);
});

test.each(examples)("$name does what the page says", { timeout: deadlineMs + 5_000 }, async (example) => {
  // From python/, where the entries of the examples are.
  const { stdout, output, exitCode } = await run(process.execPath, [fileOf(example)], join(root, "python"));
  expect(exitCode, output).toBe(0);
  if (example.prints !== undefined) expect(stdout).toBe(example.prints);
});

function fileOf({ name }: Example): string {
  return join(directory, `${name.replaceAll(/[/:.]/g, "-")}.ts`);
}

async function run(file: string, args: readonly string[], cwd = root) {
  const { promise, resolve: settle } = Promise.withResolvers<number | null>();
  const child = spawn(file, args, {
    cwd,
    stdio: ["ignore", "pipe", "pipe"],
    timeout: deadlineMs,
    killSignal: "SIGKILL",
  });
  let stdout = "";
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
    output += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  child.on("close", settle);
  const exitCode = await promise;
  return { stdout, output, exitCode };
}
