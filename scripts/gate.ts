/**
 * The gate, `npm test`: everything that a change must pass, from a checkout in which only `npm ci` has run. Stages follow each other; within
 * a stage the lanes run side by side. A stage with a failure ends the gate, after its other steps have finished.
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { styleText } from "node:util";
import { endOnSignal } from "./child.ts";
import { type GateStep, listStages } from "./gate-steps.ts";
import { formatDuration } from "./progress.ts";
import { addTotals, describeTotals, readPytestReport, readVitestReport } from "./test-totals.ts";

const reports = mkdtempSync(join(tmpdir(), "synapse-gate-"));
const removeHandlers = endOnSignal(() => rmSync(reports, { recursive: true, force: true }));
const startedMs = performance.now();
const failed: string[] = [];
const skipped: string[] = [];

for (const stage of listStages(reports)) {
  if (failed.length > 0) {
    skipped.push(...stage.flat().map((step) => step.name));
    continue;
  }
  await Promise.all(
    stage.map(async (lane) => {
      for (const step of lane) await runStep(step);
    }),
  );
}

const totals = addTotals([
  readPytestReport(join(reports, "pytest.xml")),
  readVitestReport(join(reports, "vitest.json")),
  readVitestReport(join(reports, "spawn.json")),
]);
rmSync(reports, { recursive: true, force: true });
removeHandlers();

const took = formatDuration(performance.now() - startedMs);
if (failed.length === 0) {
  console.log(styleText("green", `\ngate passed in ${took}`));
} else {
  const notRun = skipped.length === 0 ? "" : `; not run: ${skipped.join(", ")}`;
  console.log(styleText("red", `\ngate failed in ${took}: ${failed.join(", ")}${notRun}`));
}
console.log(`tests: ${describeTotals(totals)}`);
process.exitCode = failed.length === 0 ? 0 : 1;

async function runStep(step: GateStep): Promise<void> {
  if (step.live === true) console.log(heading(step.name));
  const stepMs = performance.now();
  const { ok, output } = await step.run();
  const duration = formatDuration(performance.now() - stepMs);
  if (!ok) failed.push(step.name);
  const mark = ok ? styleText("green", "✓") : styleText("red", "✗");
  const text = ok || output === "" ? "" : `${heading(step.name)}\n${output.trimEnd()}\n`;
  console.log(`${text}${mark} ${step.name} (${duration})`);
}

function heading(name: string): string {
  return styleText("bold", `── ${name} ${"─".repeat(Math.max(0, 60 - name.length))}`);
}
