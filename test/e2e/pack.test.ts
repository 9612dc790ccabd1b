/** What npm publishes, with nothing beside it but xstate: the door "synapse-otp/otp" runs and type-checks in a project of its own. */

import { execFile } from "node:child_process";
import {
  cpSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { installPacked, packingMs, packPackage, root } from "./packed.ts";

const run = promisify(execFile);

let directory: string;
/** A user's project: node_modules has synapse-otp, as it was packed, and xstate. */
let project: string;
/** The package in it. */
let packed: string;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "synapse-pack-"));
  project = join(directory, "project");
  packed = join(project, "node_modules", "synapse-otp");
  await installPacked(await packPackage(directory), join(project, "node_modules"));
  cpSync(join(root, "node_modules", "xstate"), join(project, "node_modules", "xstate"), { recursive: true });
  writeFileSync(join(project, "package.json"), JSON.stringify({ name: "user", private: true, type: "module" }));
}, packingMs);

afterAll(() => rmSync(directory, { recursive: true, force: true }));

test("it has what a user needs and no litter: of dist what src gives, one wheel, no caches, no tests", () => {
  const names = readdirSync(packed, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(packed, join(entry.parentPath, entry.name)));
  const under = (folder: string) => names.filter((name) => name.startsWith(`${folder}/`)).sort();
  expect([...new Set(names.map((name) => name.split("/")[0]))].sort()).toEqual([
    "CHANGELOG.md",
    "LICENSE",
    "README.md",
    "dist",
    "docs",
    "package.json",
    "proto",
    "python",
    "src",
  ]);
  // The viewer's page is bundled, with the licences of what is in it.
  const sources = globSync("**/*.ts", { cwd: join(root, "src") }).filter((name) => !name.startsWith("viewer/page/"));
  const page = ["app.css", "app.js", "licences.txt"].map((name) => `dist/viewer/page/${name}`);
  const made = sources.flatMap((name) =>
    [".d.ts", ".js", ".js.map"].map((ending) => `dist/${name.replace(/\.ts$/, ending)}`),
  );
  expect(under("dist")).toEqual([...made, ...page].sort());
  expect(readFileSync(join(packed, page[2] ?? ""), "utf8").match(/^(?:@dagrejs\/dagre|htm|preact)$/gm)).toHaveLength(3);
  expect(under("src")).toEqual(sources.map((name) => `src/${name}`).sort());
  expect([...new Set(under("python").map((name) => name.split("/")[1]))]).toEqual([
    "README.md",
    "agents",
    "dist",
    "pyproject.toml",
    "requirements.lock",
    "src",
  ]);
  const { version } = JSON.parse(readFileSync(join(packed, "package.json"), "utf8")) as { version: string };
  expect(under("python/dist")).toEqual([`python/dist/synapse_otp-${version}-py3-none-any.whl`]);
  expect(
    under("python/src").filter(
      (name) => !/^python\/src\/synapse_otp\/((v1\/)?[a-z_0-9]+\.(py|pyi|typed)|early_names\.txt)$/.test(name),
    ),
  ).toEqual([]);
  expect(under("python/agents").filter((name) => !/^python\/agents\/\w+\.py$/.test(name))).toEqual([]);
});

test("a server, a supervisor, a registry and a task run with xstate alone", async () => {
  const { stdout } = await program("run.js", runs);
  expect(stdout.trimEnd().split("\n")).toEqual([
    "total 5",
    "restarted 0 under its name",
    "registered true",
    "task 42",
    "alive 0",
    "noproc",
  ]);
});

test("time is the clock's: a call is given up when a clock says so", async () => {
  const { stdout } = await program("clock.js", virtualTime);
  expect(stdout).toBe("[timeout] after 5000 ms of no time\n");
});

test("the door loads no package but xstate, and two builtins", async () => {
  // Packages that lie in a folder above the project would be found too: what is resolved is written down.
  writeFileSync(join(project, "watch.js"), watchImports);
  writeFileSync(join(project, "door.js"), 'import "synapse-otp/otp";');
  const { stdout } = await run(process.execPath, ["--import", "./watch.js", "door.js"], { cwd: project });
  const files = stdout.trim().split("\n");
  const outside = files.filter((url) => !url.includes("/node_modules/synapse-otp/") && !url.endsWith("/door.js"));
  expect([...new Set(outside.map((url) => /node_modules\/([^/]+)/.exec(url)?.[1] ?? url))].sort()).toEqual([
    "node:async_hooks",
    "node:util",
    "xstate",
  ]);
});

test("messages, replies and state are inferred from the packed declarations", { timeout: packingMs }, async () => {
  writeFileSync(join(project, "types.ts"), types);
  // A Node project's own types; with skipLibCheck off, a declaration that needs any other package is an error.
  mkdirSync(join(project, "node_modules", "@types"));
  symlinkSync(join(root, "node_modules", "@types", "node"), join(project, "node_modules", "@types", "node"));
  const compilerOptions = {
    target: "es2024",
    lib: ["es2024", "esnext.disposable"],
    module: "nodenext",
    strict: true,
    noEmit: true,
    types: ["node"],
    skipLibCheck: false,
  };
  writeFileSync(join(project, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["types.ts"] }));
  const tsc = join(root, "node_modules", ".bin", "tsc");
  const { stdout } = await run(tsc, ["-p", project]).catch((error: unknown) => error as { stdout: string });
  expect(stdout).toBe("");
});

function program(name: string, code: string) {
  writeFileSync(join(project, name), code);
  return run(process.execPath, [join(project, name)], { cwd: project, timeout: 20_000 });
}

const runs = `
import { call, cast, exit, exited, fromGenServer, Registry, Runtime, startSupervisor, Task, whereis } from "synapse-otp/otp";

const runtime = new Runtime();
const counter = fromGenServer({
  init: () => ({ state: 0 }),
  handleCall: (_message, total) => ({ reply: total }),
  handleCast: (amount, total) => ({ state: total + amount }),
});
const names = Registry.start({ keys: "unique", runtime });
const spec = { id: "counter", logic: counter, name: names.via("main") };
const supervisor = await startSupervisor({ children: [spec] }, { runtime });

const first = whereis(names.via("main"));
cast(first, 2);
cast(names.via("main"), 3);
console.log("total", await call(first, "total"));

exit(first, "kill");
await exited(first);
await new Promise((resolve) => setImmediate(resolve));
console.log("restarted", await call(names.via("main"), "total"), "under its name");
console.log("registered", names.lookup("main").length === 1 && whereis(names.via("main")) !== first);

console.log("task", await Task.await(Task.async(async () => 6 * 7, { runtime })));
await supervisor.stop();
exit(names.process, "shutdown");
console.log("alive", runtime.processCount);
console.log(await call(first, "total").catch(({ code }) => code));
`;

const watchImports = `
import { registerHooks } from "node:module";

registerHooks({
  resolve(specifier, context, next) {
    const found = next(specifier, context);
    console.log(found.url);
    return found;
  },
});
`;

const virtualTime = `
import { call, fromGenServer, Runtime, start } from "synapse-otp/otp";

const timers = new Set();
const clock = {
  now: () => 0,
  monotonicMs: () => 0,
  setTimeout: (run, ms) => { const timer = { run, ms }; timers.add(timer); return timer; },
  clearTimeout: (timer) => timers.delete(timer),
};
const silent = fromGenServer({ init: () => ({ state: undefined }), handleCall: () => ({ noreply: true }) });
const ref = await start(silent, { runtime: new Runtime({ clock }) });
const answer = call(ref, "anything").catch((error) => error);
const [{ run, ms }] = timers;
clock.monotonicMs = () => ms;
run();
console.log((await answer).message.slice(0, 9), "after", ms, "ms of no time");
`;

const types = `
import { call, cast, fromGenServer, type Ref, type Request, start, Task } from "synapse-otp/otp";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const same = <A, B>(_: Equal<A, B>): void => undefined;

type Ask = Request<{ type: "total" }, number> | Request<{ type: "names" }, string[]>;

const shop = fromGenServer({
  init: (names: string[]) => ({ state: { names, total: 0 } }),
  handleCall(message: Ask, state) {
    same<typeof state, { names: string[]; total: number }>(true);
    return message.type === "total" ? { reply: state.total } : { reply: state.names };
  },
  handleCast: (amount: number, state) => ({ state: { ...state, total: state.total + amount } }),
});

const ref = await start(shop, { input: ["tea"] });
const total = await call(ref, { type: "total" });
same<typeof total, number>(true);
const names = await call(ref, { type: "names" });
same<typeof names, string[]>(true);
cast(ref, 3);

// @ts-expect-error there is no such call
await call(ref, { type: "price" });
// @ts-expect-error a cast is a number
cast(ref, "three");
// @ts-expect-error the input is a list of names
await start(shop, { input: 3 });

const echo = fromGenServer({
  init: async () => ({ state: "" }),
  handleCall: async (message: "text" | "length", text) =>
    message === "text" ? { reply: text } : { reply: text.length, state: text },
});
const echoed = await call(await start(echo), "text");
same<typeof echoed, string | number>(true);

const answer = await Task.await(Task.async(async () => ({ answer: 42 })));
same<typeof answer, { answer: number }>(true);
export type Shop = typeof ref extends Ref ? true : never;
`;
