import { describe, expect, test } from "vitest";
import { readSource, roomOf, type SourceFile } from "./source.ts";

/** The core's rooms, bottom first: each may import those before it. */
const core = [
  "report",
  "policy",
  "scheduler",
  "process",
  "request",
  "start",
  "server",
  "registry",
  "supervisor",
  "task",
];
const coreRooms = core.map((name) => `otp/${name}`);
const below = (name: string) => coreRooms.slice(0, core.indexOf(name));

/**
 * What each room may import beside itself and the leaves below: rooms of ours, and packages ("node:" is every builtin). Types count as everything else.
 * From top to bottom it is the order of the house: nobody imports what stands below.
 */
const table: readonly (readonly [room: string, rooms: readonly string[], packages: readonly string[]])[] = [
  ["gen", [], ["@bufbuild/protobuf"]],
  ["otp/report", below("report"), []],
  // Policies are pure: they import nothing that runs.
  ["otp/policy", below("policy"), []],
  // util tells a Proxy, which no code of a program's own can; it is a builtin, not a package.
  ["otp/scheduler", below("scheduler"), ["xstate", "node:util"]],
  // async_hooks carries the identity of the process that runs; it is a builtin, not a package.
  ["otp/process", below("process"), ["xstate", "node:async_hooks"]],
  ["otp/request", below("request"), ["xstate"]],
  ["otp/start", below("start"), ["xstate"]],
  ["otp/server", below("server"), ["xstate"]],
  ["otp/registry", below("registry"), []],
  ["otp/supervisor", below("supervisor"), ["xstate"]],
  ["otp/task", below("task"), []],
  ["otp", coreRooms, []],
  ["worker", [], ["node:", "execa"]],
  ["rpc", ["gen"], ["node:", "@connectrpc/connect", "@connectrpc/connect-node", "@bufbuild/protobuf"]],
  // Who holds the lock of a set-up is a process like others.
  ["python", ["worker"], ["node:", "execa"]],
  ["inspect", coreRooms, ["node:", "xstate", "ws"]],
  // Requests and responses of the web's own kind; what they ask of an agent is given in.
  ["http", ["otp/scheduler", "rpc"], ["node:"]],
  ["agent", [...coreRooms, "worker", "rpc", "python", "http"], ["node:", "xstate", "@standard-schema/spec"]],
  // A running system is asked by another process.
  ["control", ["otp/report", "worker", "inspect"], ["node:"]],
  // The system, its start, its options and its log; index.ts.
  [
    "",
    ["agent", ...coreRooms, "worker", "rpc", "python", "inspect", "control"],
    ["node:", "xstate", "pino", "@opentelemetry/api"],
  ],
  // Runs in a browser: bundled by `npm run build`, so that its packages are nobody's dependencies.
  ["viewer/page", ["inspect"], ["preact", "htm", "@dagrejs/dagre"]],
  ["viewer", ["", "inspect", "python"], ["node:"]],
  // What a system would meet on this machine.
  ["doctor", ["", "agent", "worker", "python"], ["node:", "execa"]],
  // Files that describe systems.
  ["script", ["", "agent", "python", "inspect", ...coreRooms], ["node:"]],
  // Types that are written of agents.
  ["typegen", ["", "agent", "rpc", "script"], ["node:"]],
  // Doubles stand in for any room.
  [
    "testing",
    ["", "agent", ...coreRooms, "worker", "rpc", "python", "inspect", "gen"],
    ["node:", "xstate", "@connectrpc/connect", "@connectrpc/connect-node", "@bufbuild/protobuf"],
  ],
  // Systems that are played through.
  ["simulate", ["", "agent", ...coreRooms, "worker", "testing"], ["node:", "xstate", "pure-rand"]],
  [
    "cli",
    [
      "",
      "simulate",
      "control",
      "doctor",
      "script",
      "typegen",
      "viewer",
      "agent",
      ...coreRooms,
      "worker",
      "rpc",
      "python",
      "inspect",
    ],
    ["node:", "commander"],
  ],
];

/** Files that every room may import; they import nothing but each other. */
const leaves = [
  "errors.ts",
  "crash.ts",
  "usage.ts",
  "describe-value.ts",
  "error-codes.ts",
  "error-facts.ts",
  "error-kin.ts",
  "http-status.ts",
  "logger.ts",
  "node-version.ts",
  "stderr.ts",
  "supported-node.ts",
];

const files = readSource();
const names = (found: SourceFile[]) => found.map(({ path }) => path);

function packageOf(specifier: string): string {
  return specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
}

test("every room has a line in the table, and every line a room above those that may import it", () => {
  const known = table.map(([room]) => room);
  expect([...new Set(files.map(({ room }) => room))].filter((room) => !known.includes(room))).toEqual([]);
  for (const [index, [room, rooms]] of table.entries()) {
    expect(
      rooms.filter((other) => known.indexOf(other) >= index),
      room,
    ).toEqual([]);
  }
});

describe.each(table)('room "%s"', (room, rooms, packages) => {
  const mine = files.filter((file) => file.room === room && !leaves.includes(file.path));

  test("imports no room above it or beside it, types included", () => {
    const wrong = mine.flatMap(({ path, imports }) =>
      imports
        .filter(({ own, target }) => own && !leaves.includes(target))
        .filter(({ target }) => ![room, ...rooms].includes(roomOf(target)))
        .map(({ target }) => `${path} imports ${target}`),
    );
    expect(wrong).toEqual([]);
  });

  test("imports no package but its own", () => {
    const wrong = mine.flatMap(({ path, imports }) =>
      imports
        .filter(({ own }) => !own)
        .filter(({ target }) => !packages.includes(packageOf(target)))
        .filter(
          ({ target }) => !(target.startsWith("node:") && (packages.includes("node:") || packages.includes(target))),
        )
        .map(({ target }) => `${path} imports ${target}`),
    );
    expect(wrong).toEqual([]);
  });
});

test("what every room may import imports nothing but its like", () => {
  const wrong = files
    .filter(({ path }) => leaves.includes(path))
    .flatMap(({ path, imports }) => imports.map(({ target }) => ({ path, target })))
    .filter(({ target }) => !leaves.includes(target));
  expect(wrong).toEqual([]);
});

test("no room below imports the system, and nobody imports the doors", () => {
  const above = ["index.ts", "otp/index.ts", "testing/index.ts", "inspect/index.ts", "viewer/index.ts"];
  const importers = files.filter(({ imports }) => imports.some(({ own, target }) => own && above.includes(target)));
  expect(names(importers)).toEqual([]);
});

test("the core has one file beside its rooms: its door", () => {
  expect(names(files.filter(({ room }) => room === "otp"))).toEqual(["otp/index.ts"]);
});

test("XState's internals are touched in one file", () => {
  const internals = /\._(?:stop|parent|send|relay|snapshot|actorScope|forwardTo|processingStatus|nextState)\b|_stop\(/;
  const code = ({ text }: SourceFile) => text.replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, "");
  expect(names(files.filter((file) => internals.test(code(file))))).toEqual(["otp/scheduler/xstate-adapter.ts"]);
});

test("imports have no circle, types included", () => {
  const edges = new Map(
    files.map(({ path, imports }) => [path, imports.filter(({ own }) => own).map(({ target }) => target)]),
  );
  const done = new Set<string>();
  const circles: string[] = [];
  const visit = (path: string, trail: string[]) => {
    if (trail.includes(path)) circles.push([...trail.slice(trail.indexOf(path)), path].join(" > "));
    if (trail.includes(path) || done.has(path)) return;
    for (const target of edges.get(path) ?? []) visit(target, [...trail, path]);
    done.add(path);
  };
  for (const path of edges.keys()) visit(path, []);
  expect(circles).toEqual([]);
});
