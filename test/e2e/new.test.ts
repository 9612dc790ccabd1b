/** A project that the packed program makes, in an empty folder, without any index: it passes its own test and type-checks as it is. */

import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { installPacked, linkDependencies, packingMs, packPackage, root } from "./packed.ts";
import { userEnvironment } from "./user-programs.ts";

const run = promisify(execFile);
const env = { ...userEnvironment, PATH: [join(root, "node_modules", ".bin"), process.env.PATH].join(delimiter) };

let directory: string;
let project: string;
let packed: string;

beforeAll(async () => {
  directory = realpathSync(mkdtempSync(join(tmpdir(), "synapse-new-")));
  packed = join(directory, "node_modules");
  await installPacked(await packPackage(directory), packed);
  linkDependencies(packed);
  project = join(directory, "apps", "answers");
}, 3 * packingMs);

afterAll(() => rmSync(directory, { recursive: true, force: true }));

test("a new project passes its own test, is simulated, and type-checks", { timeout: 180_000 }, async () => {
  const program = join(packed, ".bin", "synapse-otp");
  const { stdout: made } = await run(program, ["new", "apps/answers"], { cwd: directory, env });
  expect(made).toContain(`made "${project}"`);
  // As npm install would leave it; its own node_modules, not those above.
  symlinkSync(packed, join(project, "node_modules"));
  const tested = await run("npm", ["test", "--offline", "--no-update-notifier"], { cwd: project, env });
  expect(tested.stdout).toMatch(/pass 3\b[\s\S]*fail 0\b/);
  const { stdout: simulated } = await run("npm", ["run", "simulate", "--offline", "--no-update-notifier"], {
    cwd: project,
    env,
  });
  expect(simulated).toMatch(/^answers: 1:00:00 of 1:00:00, seed 0$/m);
  mkdirSync(join(packed, "@types"), { recursive: true });
  symlinkSync(join(root, "node_modules", "@types", "node"), join(packed, "@types", "node"));
  await run(join(root, "node_modules", ".bin", "tsc"), ["-p", project], { cwd: project });
});
