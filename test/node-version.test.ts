import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { nodeProblem } from "../src/node-version.ts";

test.each(["22.19.0", "22.20.1", "24.0.0", "100.0.0"])("Node %s is new enough", (version) => {
  expect(nodeProblem({ node: version, v8: "12.4" })).toBeUndefined();
});

test.each(["22.18.9", "20.20.2", "18.0.0", "8.1.0"])("Node %s is too old, and told so", (version) => {
  expect(nodeProblem({ node: version })).toBe(`synapse-otp needs Node 22.19 or newer; this is Node ${version}`);
});

test.each([
  ["Bun 1.4.5", { node: "26.3.0", bun: "1.4.5" }],
  ["Deno 2.9.6", { node: "26.0.0", deno: "2.9.6" }],
  ["no Node", {}],
  ["no Node", undefined],
])("%s is told that it is none, whichever Node it says it is", (name, versions) => {
  expect(nodeProblem(versions)).toBe(`synapse-otp needs Node 22.19 or newer; this is ${name}`);
});

test("package.json asks for the same Node", () => {
  const text = readFileSync(join(resolve(import.meta.dirname, ".."), "package.json"), "utf8");
  expect(JSON.parse(text).engines.node).toBe(">=22.19");
});
