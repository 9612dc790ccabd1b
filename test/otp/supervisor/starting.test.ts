import { expect, test } from "vitest";
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
