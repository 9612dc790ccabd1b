import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { judgeNode, judgeXstate, lookAtXstate, xstateRange } from "../../src/doctor/node.ts";

const root = resolve(import.meta.dirname, "../..");
const copy = (version: string, path = "/a/xstate/package.json") => ({ path, version });

test("this Node will do, and an older one and another runtime are failures", () => {
  expect(judgeNode(process.versions)).toMatchObject({
    status: "ok",
    message: expect.stringContaining("runs synapse-otp"),
  });
  expect(judgeNode({ node: "20.1.0" })).toMatchObject({
    status: "failure",
    message: "synapse-otp needs Node 22.19 or newer; this is Node 20.1.0",
    fix: { before: expect.stringContaining("install") },
  });
  expect(judgeNode({ node: "24.0.0", bun: "1.3.0" }).status).toBe("failure");
});

test("xstate is found as the package itself finds it, in a version that package.json allows", () => {
  const { peerDependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  expect(peerDependencies.xstate).toBe(`^${xstateRange.oldest}`);
  const facts = lookAtXstate(root);
  expect(facts.ours?.path).toBe(join(root, "node_modules/xstate/package.json"));
  expect(facts.service).toEqual(facts.ours);
  expect(judgeXstate(facts)).toMatchObject({ status: "ok", message: `xstate ${facts.ours?.version}` });
  expect(lookAtXstate("/").service).toBeUndefined();
});

test.each([
  ["is not there", { ours: undefined, service: undefined }, "failure", "finds no xstate"],
  ["is too old", { ours: copy("5.9.1"), service: undefined }, "failure", "finds xstate 5.9.1"],
  ["is of the next major version", { ours: copy("6.0.0"), service: undefined }, "failure", "finds xstate 6.0.0"],
  ["is there twice", { ours: copy("5.33.0"), service: copy("5.33.0", "/b") }, "warning", "two copies of xstate"],
] as const)("xstate that %s is told with a command", (_how, facts, status, words) => {
  expect(judgeXstate(facts)).toMatchObject({
    status,
    message: expect.stringContaining(words),
    fix: { command: expect.stringMatching(/^npm /) },
  });
});
