/** The agents of the demonstration, and how they are shown. */

import { join, resolve } from "node:path";
import type { StandardSchemaV1 } from "@standard-schema/spec";
import { defineAgent, type System } from "synapse-otp";
import type { Screen, Style } from "./screen.ts";

const python = resolve(import.meta.dirname, "..", "..", "python");

/** What the agent "city" answers with: the fields of its Python class City. */
export interface City {
  name: string;
  country: string;
  population: number;
  sights: string[];
}

/** Says whether an answer is a City; what a schema library makes of a few words. */
const citySchema: StandardSchemaV1<unknown, City> = {
  "~standard": {
    version: 1,
    vendor: "demo",
    validate(value) {
      const { name, country, population, sights } = value as Partial<City>;
      const texts = typeof name === "string" && typeof country === "string";
      if (texts && typeof population === "number" && Array.isArray(sights)) {
        return { value: { name, country, population, sights } };
      }
      return { issues: [{ message: "it is no city" }] };
    },
  },
};

/** Answers with text. One run at a time, so that the demonstration can show one that waits. */
export const example = defineAgent({
  id: "example",
  entry: entryOf("example_agent.py"),
  output: "text",
  maxConcurrency: 1,
});
/** Answers with a City. */
export const city = defineAgent({ id: "city", entry: entryOf("city_agent.py"), output: citySchema });
/** Calls tools in Python. */
export const tool = defineAgent({ id: "tool", entry: entryOf("tool_agent.py"), output: "text" });

function entryOf(file: string): string {
  return `${join(python, "agents", file)}:agent`;
}

const stateStyles: Record<string, Style> = {
  starting: "yellow",
  ready: "green",
  busy: "cyan",
  crashed: "red",
  restarting: "yellow",
  stopping: "dim",
  stopped: "dim",
};

/** A state in its colour. */
export function showState(screen: Screen, state: string): string {
  return screen.style(stateStyles[state] ?? "reset", state);
}

/** The tree in one line: each agent with its state, its worker's number and its process. */
export function showAgents(screen: Screen, system: System): string {
  const agents = (system.tree().children ?? []).map(
    ({ id, state, incarnation, pid }) =>
      `${screen.style("bold", id)} ${showState(screen, state)} ${screen.style("dim", `#${incarnation} ${pid ?? ""}`)}`,
  );
  return agents.join("  ");
}
