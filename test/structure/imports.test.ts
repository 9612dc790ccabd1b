import { describe, expect, test } from "vitest";
import { readSource, type SourceFile } from "./source.ts";

/** What a room may import: other rooms of ours, and packages. Every room may import itself and errors.ts; "node:" is every builtin. */
interface Rule {
  rooms: string[];
  packages: string[];
}

const rules: Record<string, Rule> = {
  gen: { rooms: [], packages: ["@bufbuild/protobuf"] },
  // async_hooks carries the identity of the process that runs; it is a builtin, not a package.
  otp: { rooms: [], packages: ["xstate", "node:async_hooks"] },
  policy: { rooms: ["otp"], packages: [] },
  worker: { rooms: [], packages: ["node:", "execa"] },
  rpc: { rooms: ["gen"], packages: ["node:", "@connectrpc/connect", "@connectrpc/connect-node", "@bufbuild/protobuf"] },
  python: { rooms: [], packages: ["node:", "execa"] },
  inspect: { rooms: ["otp"], packages: ["node:", "xstate"] },
  agent: {
    rooms: ["otp", "worker", "rpc", "python"],
    packages: ["node:", "xstate", "pino", "@standard-schema/spec"],
  },
  cli: { rooms: ["", "agent", "otp", "worker", "rpc", "python", "inspect"], packages: ["node:"] },
  // Doubles stand in for any room.
  testing: {
    rooms: ["", "agent", "otp", "worker", "rpc", "python", "inspect", "gen"],
    packages: ["node:", "xstate", "@connectrpc/connect", "@connectrpc/connect-node", "@bufbuild/protobuf"],
  },
  // system.ts, its options and its log; index.ts.
  "": {
    rooms: ["agent", "otp", "policy", "worker", "rpc", "python", "inspect"],
    packages: ["node:", "xstate", "pino"],
  },
};

const files = readSource();
const names = (found: SourceFile[]) => found.map(({ path }) => path);

function roomOf(target: string): string {
  return target.includes("/") ? (target.split("/")[0] as string) : "";
}

function packageOf(specifier: string): string {
  return specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
}

test("every room has a rule", () => {
  expect([...new Set(files.map(({ room }) => room))].filter((room) => !(room in rules))).toEqual([]);
});

describe.each(Object.entries(rules))('room "%s"', (room, { rooms, packages }) => {
  const mine = files.filter((file) => file.room === room && file.path !== "errors.ts");

  test("imports no room above it or beside it", () => {
    const wrong = mine.flatMap(({ path, imports }) =>
      imports
        .filter(({ own, target }) => own && target !== "errors.ts")
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

test("errors.ts is the leaf: nothing of its imports is left at run time", () => {
  const errors = files.find(({ path }) => path === "errors.ts");
  expect(errors?.imports.length).toBeGreaterThan(0);
  expect(errors?.imports.filter(({ typeOnly }) => !typeOnly)).toEqual([]);
});

test("no room below imports the system, and nobody imports the doors", () => {
  const above = ["index.ts", "otp/index.ts", "testing/index.ts"];
  const importers = files.filter(({ imports }) => imports.some(({ own, target }) => own && above.includes(target)));
  expect(names(importers)).toEqual([]);
});

test("XState's internals are touched in one file", () => {
  const internals = /\._(?:stop|parent|send|relay|snapshot|actorScope|forwardTo|processingStatus|nextState)\b|_stop\(/;
  const code = ({ text }: SourceFile) => text.replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, "");
  expect(names(files.filter((file) => internals.test(code(file))))).toEqual(["otp/xstate-adapter.ts"]);
});

test("run-time imports have no circle", () => {
  const edges = new Map(
    files.map(({ path, imports }) => [
      path,
      imports.filter(({ own, typeOnly }) => own && !typeOnly).map(({ target }) => target),
    ]),
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
