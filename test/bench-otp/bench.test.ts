import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, describe, expect, it } from "vitest";
import { type Bar, checkBars } from "./bars.ts";
import type { BenchResult } from "./report.ts";
import { ratioOf, requestsOf, type Values } from "./rounds.ts";
import { fullSettings, quickSettings } from "./settings.ts";

/** Four programs are started, and Erlang's is compiled, on a machine that others use too. */
const quickMs = 60_000;

const directory = mkdtempSync(join(tmpdir(), "bench-otp-test-"));
afterEach(() => rmSync(directory, { recursive: true, force: true }));

describe("the benchmark of processes", () => {
  it("measures all subjects, writes everything down and leaves nothing behind", async () => {
    const script = join(import.meta.dirname, "run.ts");
    const child = spawn(process.execPath, [script, "--quick", "--name", "smoke", "--directory", directory], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, TMPDIR: directory },
      signal: AbortSignal.timeout(quickMs),
      killSignal: "SIGKILL",
    });
    const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
    expect(code, stderr).toBe(0);
    expect(stdout).toContain("call round trips, of nact's query");
    // The Erlang program's directory would be here.
    expect(readdirSync(directory)).toEqual(["smoke.json"]);

    const result = JSON.parse(readFileSync(join(directory, "smoke.json"), "utf8")) as BenchResult;
    expect(result).toMatchObject({ name: "smoke", settings: quickSettings });
    expect([...Object.keys(result.subjects), ...result.missing].toSorted()).toEqual([
      "erlang",
      "nact",
      "synapse",
      "xstate",
    ]);
    const requests = requestsOf(quickSettings);
    for (const { key, figures } of requests) {
      const lists = result.values.synapse?.[key] ?? [];
      expect(lists, key).toHaveLength(figures.length);
      for (const list of lists) expect(list, key).toHaveLength(quickSettings.rounds);
    }
    const everything = Object.values(result.values).flatMap((own) => Object.values(own).flat(2));
    expect(everything.every(Number.isFinite)).toBe(true);
    expect(result.bars).toHaveLength(13);
    for (const { what, figure, passed } of result.bars) {
      const needsErlang = /Erlang|OTP/.test(what);
      const measured = !needsErlang || !result.missing.includes("erlang");
      expect([typeof figure, typeof passed], what).toEqual(
        measured ? ["number", "boolean"] : ["undefined", "undefined"],
      );
    }
  }, 70_000);
});

describe("the ratios of the benchmark", () => {
  it("are taken within the rounds, so that a slow round is slow for all", () => {
    const values: Values = { a: { call: [[2, 40, 3]] }, b: { call: [[1, 20, 1]] } };
    expect(ratioOf(values, { subject: "a", key: "call" }, { subject: "b", key: "call" })).toBe(2);
    expect(ratioOf(values, { subject: "a", key: "call" }, { subject: "c", key: "call" })).toBeUndefined();
  });
});

describe("the bars of the benchmark", () => {
  const at = (times: number): Values => ({
    synapse: {
      call: [[300 * times]],
      cast: [[500 * times]],
      "restart@10000": [[10 * times]],
      "restartDynamic@10000": [[20 * times]],
      oneByOne: [[1.25 / times]],
      "startStop@1000": [[1], [1]],
      "startStop@100000": [[2 / times], [2 / times]],
      heap: [[2_700 / times]],
      "timers@0": [[1]],
      "timers@50000": [[3 / times]],
      "inspected@0": [[1]],
      "inspected@1": [[0.97 * times]],
      "inspected@2": [[0.8 * times]],
      "inspected@3": [[0.7 * times]],
    },
    erlang: { call: [[300]], "restart@10000": [[10]], "restartDynamic@10000": [[10]], oneByOne: [[1]] },
    nact: { call: [[100]], cast: [[100]] },
  });
  const outcomes = (bars: readonly Bar[]) => bars.map(({ passed }) => passed);

  it("are met at their limits and missed beyond them", () => {
    expect(outcomes(checkBars(at(1), fullSettings))).toEqual(new Array(13).fill(true));
    expect(outcomes(checkBars(at(0.99), fullSettings))).toEqual(new Array(13).fill(false));
  });

  it("that need Erlang are neither met nor missed without it", () => {
    const { erlang: _erlang, ...values } = at(1);
    expect(outcomes(checkBars(values, fullSettings)).filter((passed) => passed === undefined)).toHaveLength(4);
  });
});
