import { expect, test } from "vitest";
import { ProcessError } from "../../../src/errors.ts";
import { exit } from "../../../src/otp/process/link.ts";
import { spawn } from "../../../src/otp/start/spawn.ts";
import { createChild } from "../../../src/otp/supervisor/child.ts";
import { type ChildSpec, normalizeChildSpec } from "../../../src/otp/supervisor/child-spec.ts";
import { startIncarnation } from "../../../src/otp/supervisor/starting.ts";
import { createHost, puppet } from "./puppet.ts";

test("a start function is given its place: id, path, clock, environment and the supervisor's process", () => {
  const { host } = createHost();
  const given: unknown[] = [];
  const spec: ChildSpec = { id: "asks", start: (scope) => void given.push(scope) };
  expect(startIncarnation(createChild(normalizeChildSpec(spec), "host/asks"), host)).toBe("ignored");
  const { process, clock, environment, control, actor: supervisor } = host;
  expect(given).toMatchObject([
    { childId: "asks", path: "host/asks", process, clock, environment, control, supervisor },
  ]);
});

test("each start is a new incarnation with a new scope", () => {
  const { host } = createHost();
  const { child } = puppet();
  startIncarnation(child, host);
  const { scopeId } = child;
  startIncarnation(child, host);
  expect([child.incarnation, child.scopeId > scopeId, child.status]).toEqual([2, true, "running"]);
});

test("a start that throws leaves the child stopped", () => {
  const { host } = createHost();
  const start = () => {
    throw new Error("the start of a child throws");
  };
  const child = createChild(normalizeChildSpec({ id: "a", start }), "host/a");
  expect(() => startIncarnation(child, host)).toThrow("the start of a child throws");
  expect([child.status, child.running]).toEqual(["stopped", undefined]);
});

test("a temporary child's specification is forgotten once it runs, unless the policy may restart it", () => {
  const { host } = createHost();
  const forgotten = puppet({ restart: "temporary" }).child;
  startIncarnation(forgotten, host);
  expect(forgotten.spec.spec).toBeUndefined();
  const kept = puppet({ restart: "temporary" }).child;
  startIncarnation(kept, { ...host, forgetsTemporary: false });
  expect(kept.spec.spec).toBeDefined();
});

test("what acts like a promise is waited for as a promise is", async () => {
  const { host } = createHost();
  const spawned = spawn(({ receive }) => receive());
  // biome-ignore lint/suspicious/noThenProperty: that is what is tested
  const thenable = { then: (resolve: (ref: unknown) => void) => setImmediate(resolve, spawned) };
  const child = createChild(normalizeChildSpec({ id: "a", start: () => thenable as never }), "host/a");
  expect(await startIncarnation(child, host)).toBe("running");
  expect(child.running?.ref).toBe(spawned);
  exit(spawned, "kill");
  const thorny = new Proxy(
    {},
    {
      get() {
        throw new Error("a start answers what throws");
      },
    },
  );
  const broken = createChild(normalizeChildSpec({ id: "b", start: () => thorny as never }), "host/b");
  await expect(startIncarnation(broken, host)).rejects.toThrow("a start answers what throws");
  expect(broken.status).toBe("stopped");
});

test('only the runtime says that a child chose not to start: another error with the code "ignored" is a failure', () => {
  const { host } = createHost();
  const start = () => {
    throw Object.assign(new Error("from a body of JSON"), { code: "ignored" });
  };
  const child = createChild(normalizeChildSpec({ id: "a", start }), "host/a");
  expect(() => startIncarnation(child, host)).toThrow("from a body of JSON");
  const chose = () => {
    throw new ProcessError("ignored", "chose not to start", { reason: "ignore" });
  };
  expect(startIncarnation(createChild(normalizeChildSpec({ id: "b", start: chose }), "host/b"), host)).toBe("ignored");
});

const nothing = (): void => undefined;

test.each<[what: string, answered: unknown]>([
  ["what only can be stopped", { stop: nothing }],
  ["what has no actor", { stop: nothing, kill: nothing }],
  ["a number", 5],
])("%s is no running child: the start fails by name, and the child is stopped", (_what, answered) => {
  const { host } = createHost();
  const child = createChild(normalizeChildSpec({ id: "a", start: () => answered as never }), "host/a");
  expect(() => startIncarnation(child, host)).toThrow(/^a start function answers /);
  expect([child.status, child.running]).toEqual(["stopped", undefined]);
});

test("what throws when it is asked whether it has a ref fails its start", async () => {
  const { host } = createHost();
  const has = (): never => {
    throw new TypeError("asked what it has");
  };
  const child = createChild(normalizeChildSpec({ id: "a", start: () => new Proxy({}, { has }) as never }), "host/a");
  await expect(startIncarnation(child, host)).rejects.toThrow("asked what it has");
  expect([child.status, child.running]).toEqual(["stopped", undefined]);
});
