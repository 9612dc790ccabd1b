/** pydantic-ai's own examples (the package pydantic-ai-examples) as entries, unmodified but for the model, which is a server on this machine. */

import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { expect, onTestFinished } from "vitest";
import { type AgentSpec, defineAgent, type System } from "../../src/index.ts";
import type { ModelServer } from "./model-server.ts";
import { watch } from "./support.ts";

/** Starts a system of examples, by their ids. Modules that are none of their point have stand-ins in test/fixtures/examples. */
export async function startExamples(
  model: ModelServer,
  entries: Record<string, Partial<AgentSpec> & { entry: string }>,
): Promise<System> {
  const children = Object.entries(entries).map(([id, spec]) => defineAgent({ id, ...spec }));
  const env = { ...model.env, PYTHONPATH: resolve("test/fixtures/examples") };
  const { system } = await watch(children, { python: { env, preload: ["pydantic_ai.models.openai"] } });
  return system;
}

/** An agent of the package. */
export function entry(name: string): { entry: string } {
  return { entry: `pydantic_ai_examples.${name}` };
}

/** A function of live.py makes the example's dependencies. */
export function deps(name: string): { deps: string } {
  return { deps: `test/fixtures/examples/live.py:${name}` };
}

/** The package's folder. */
export function examplesFolder(): string {
  const [folder] = globSync("python/.venv/lib/python3*/site-packages/pydantic_ai_examples");
  if (folder === undefined) throw new Error("python/.venv has no pydantic-ai-examples: npm run setup:python -- --dev");
  return folder;
}

/** A file with the example's source and another model in it, where its own provider's package is not installed. */
export function withModel(name: string, from: string, to: string): string {
  const directory = mkdtempSync(join(tmpdir(), "example-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const source = readFileSync(join(examplesFolder(), `${name}.py`), "utf8");
  expect(source.split(from)).toHaveLength(2);
  writeFileSync(join(directory, `${name}.py`), source.replace(from, to));
  return join(directory, `${name}.py`);
}
