import { pino } from "pino";
import { expect, test } from "vitest";
import type { Report } from "../src/report.ts";
import { Reporter } from "../src/reporter.ts";

const report: Report = { type: "inspect.dropped", events: 3 };

function start() {
  const lines: Record<string, unknown>[] = [];
  const logger = pino({ level: "debug" }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  return { reporter: new Reporter(logger), lines };
}

test("a report is logged and told to every listener until it is ended", () => {
  const { reporter, lines } = start();
  const told: unknown[] = [];
  const end = reporter.listen((one) => told.push(one));
  reporter.report(report);
  end();
  reporter.report(report);
  expect(told).toEqual([report]);
  expect(lines).toHaveLength(2);
});

test("a listener that throws keeps it from no other", () => {
  const { reporter, lines } = start();
  const told: unknown[] = [];
  reporter.listen(() => {
    throw new Error("a reporter's listener broke");
  });
  reporter.listen((one) => told.push(one));
  reporter.report(report);
  expect(told).toEqual([report]);
  expect(lines.at(-1)).toMatchObject({
    msg: "a report listener threw",
    err: { message: "a reporter's listener broke" },
  });
});

test("a listener whose promise rejects is logged, and ends no host", async () => {
  const { reporter, lines } = start();
  reporter.listen(async () => {
    throw new Error("an asynchronous listener broke");
  });
  reporter.report(report);
  await expect
    .poll(() => lines.at(-1))
    .toMatchObject({
      msg: "a report listener threw",
      err: { message: "an asynchronous listener broke" },
    });
});

test("a report that does not let itself be written is told all the same", () => {
  const { reporter, lines } = start();
  const told: unknown[] = [];
  reporter.listen((one) => told.push(one.type));
  const unspeakable = {
    toString() {
      throw new Error("never told");
    },
  };
  reporter.report({ type: "process.late_error", process: "<1>", error: unspeakable });
  expect(told).toEqual(["process.late_error"]);
  expect(lines.at(-1)).toMatchObject({ msg: "a report cannot be written" });
});
