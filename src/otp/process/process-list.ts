/** The processes that live, for whoever wants to look. Source: Erlang's `processes/0` and the shell's `i()`. */

import { invalidArgument } from "../../errors.ts";
import type { Process, Runtime } from "./process.ts";
import { checkRuntime } from "./runtime.ts";
import { contextRuntime } from "./target.ts";

/** The live processes of a runtime (default: of the process that is running, or the default one), oldest first. */
export function processes(runtime: Runtime = contextRuntime()): Process[] {
  checkRuntime("runtime", runtime);
  const found: Process[] = [];
  for (let process = runtime.newest; process !== undefined; process = process.older) found.push(process);
  return found.reverse();
}

const columns = ["process", "status", "queue", "handled", "links", "monitored by", "parent"] as const;

/** A table of processes (default: all of the runtime) as text, a line for each. */
export function formatProcesses(list: readonly Process[] = processes()): string {
  if (!Array.isArray(list)) throw invalidArgument("list", list, "a list of refs");
  const rows = list.map((process) => [
    process.toString(),
    process.suspended ? "suspended" : process.status,
    String(process.queueLength),
    String(process.handled),
    String(process.links?.size ?? 0),
    String(process.watchers?.size ?? 0),
    process.parent?.toString() ?? "",
  ]);
  const widths = columns.map((column, index) =>
    Math.max(column.length, ...rows.map((row) => (row[index] ?? "").length)),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, index) => cell.padEnd(widths[index] ?? 0))
      .join("  ")
      .trimEnd();
  return [line(columns), ...rows.map(line)].join("\n");
}
