/** The report of a benchmark: a table for people, JSON for comparing. */

import { availableParallelism, cpus, loadavg, release } from "node:os";
import type { Bar } from "./bars.ts";
import { medianOf, requestsOf, type Values } from "./rounds.ts";
import type { BenchSettings } from "./settings.ts";

/** What the figures were measured on: without it they mean nothing. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly system: string;
  readonly node: string;
  /** Load average of the last minute before anything was measured: others' work in the figures. */
  readonly loadBefore: number;
}

/** All of one benchmark, as it is written to its file. */
export interface BenchResult {
  readonly name: string;
  readonly startedAt: string;
  readonly durationMs: number;
  readonly machine: Machine;
  /** Versions by subject. */
  readonly subjects: Readonly<Record<string, string>>;
  /** Subjects that this machine does not have. */
  readonly missing: readonly string[];
  readonly settings: BenchSettings;
  readonly values: Values;
  readonly bars: readonly Bar[];
  /** Whether no bar is missed. */
  readonly passed: boolean;
}

/** Describes this machine. Call it before anything is measured. */
export function describeMachine(): Machine {
  return {
    cpu: cpus()[0]?.model ?? "unknown",
    cores: availableParallelism(),
    system: `${process.platform} ${release()} ${process.arch}`,
    node: process.versions.node,
    loadBefore: Math.round((loadavg()[0] ?? 0) * 100) / 100,
  };
}

/** The result as text for a terminal of 100 columns. */
export function formatResult({ machine, subjects, missing, settings, values, bars, durationMs }: BenchResult): string {
  const names = Object.keys(subjects);
  const rows = requestsOf(settings).flatMap(({ key, figures }) =>
    figures.map(({ what, unit }, figure) =>
      row(
        `${what}, ${unit}`,
        names.map((name) => formatFigure(medianOf(values, name, key, figure))),
      ),
    ),
  );
  return [
    `${machine.cpu}, ${machine.cores} cores, ${machine.system}, node ${machine.node}, load ${machine.loadBefore} before`,
    `medians of ${settings.rounds} rounds, each subject a program of its own; ratios are medians of the rounds' ratios`,
    ...missing.map((name) => `${name} is not installed here: its column and its bars are missing`),
    "",
    row(
      "",
      Object.entries(subjects).map(([name, version]) => (version.length < 8 ? `${name} ${version}` : name)),
    ),
    ...rows,
    "",
    ...bars.map(formatBar),
    `took ${Math.round(durationMs / 1_000)} s`,
  ].join("\n");
}

function row(label: string, cells: readonly string[]): string {
  return `${label.padEnd(46)}${cells.map((cell) => cell.padStart(14)).join("")}`;
}

function formatFigure(figure: number | undefined): string {
  if (figure === undefined) return "-";
  if (figure >= 1_000) return Math.round(figure).toLocaleString("en-US");
  return figure.toPrecision(3);
}

function formatBar({ what, figure, unit, rule, limit, passed }: Bar): string {
  const mark = passed === undefined ? "not measured" : passed ? "met" : "MISSED";
  const value = (number: number) => (unit === "×" ? `${number.toFixed(2)}×` : `${Math.round(number)} ${unit}`);
  return `${mark.padEnd(13)}${what}: ${figure === undefined ? "" : `${value(figure)}, `}${rule} ${value(limit)}`;
}
