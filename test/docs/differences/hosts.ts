/** Rows about the program round the runtime, each in a host of its own, and about timers. */

import { spawn as spawnHost } from "node:child_process";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { expect } from "vitest";
import {
  type Clock,
  cancelTimer,
  exit,
  fromGenServer,
  readTimer,
  register,
  sendAfter,
  sendInterval,
  start,
  unregister,
} from "../../../src/otp/index.ts";
import { createPlace, failure, quiet } from "./place.ts";
import type { Differences } from "./table.ts";

const fixture = join(import.meta.dirname, "../../fixtures/otp/differences.ts");

/** Runs a scenario of the fixture. */
export async function runHost(scenario: string): Promise<{ code: number | null; lines: string[]; stderr: string }> {
  const host = spawnHost(process.execPath, [fixture, scenario], { stdio: ["ignore", "pipe", "pipe"], timeout: 20_000 });
  const code = new Promise<number | null>((resolve) => host.on("close", resolve));
  const [stdout, stderr] = await Promise.all([text(host.stdout), text(host.stderr)]);
  return { code: await code, lines: stdout.trim().split("\n"), stderr };
}

const through = "the program is through";

/** A server that notes what it hears. */
async function startListener(options: { clock?: Clock; name?: string } = {}) {
  const { clock, ...place } = createPlace(options.clock === undefined ? {} : { clock: options.clock });
  const heard: unknown[] = [];
  const handleInfo = (message: unknown, state: number) => ({ state: state * heard.push(message) });
  const logic = fromGenServer({ init: () => ({ state: 0 }), handleInfo });
  const ref = await start(logic, { runtime: place.runtime, name: options.name });
  return { ...place, clock, heard, logic, ref };
}

/** The rows. */
export const hosts: Differences = {
  "an error in a timer or a promise that nobody awaits": {
    "it ends the process that made it, and the host lives": async () => {
      for (const what of ["timer", "promise"]) {
        const { code, lines } = await runHost(what);
        expect([code, ...lines]).toEqual([0, `Error: by a ${what}`, through]);
      }
    },
    "outside any process it is the host's, as without this package": async () => {
      for (const what of ["timer", "promise"]) {
        const { code, lines, stderr } = await runHost(`${what} of nobody`);
        expect(code).toBe(1);
        expect(stderr).toMatch(new RegExp(`Error: by nobody's ${what}\\n\\s+at .*differences\\.ts`));
        expect(lines).not.toContain(through);
      }
    },
    "one in queueMicrotask ends the process, and before Node 24 the host": async () => {
      const { code, lines, stderr } = await runHost("microtask");
      if (Number(process.versions.node.split(".")[0]) >= 24) {
        expect([code, ...lines]).toEqual([0, "Error: by a microtask", through]);
      } else {
        expect(code).toBe(1);
        expect(stderr).toContain("Error: by a microtask");
      }
    },
  },

  "the end of the program": {
    "processes that wait for messages keep no program running": async () => {
      expect(await runHost("processes only")).toMatchObject({
        code: 0,
        lines: [through, "the host ends before its process"],
      });
    },
  },

  "`timer:send_interval`": {
    "what is late is one message": async () => {
      const { clock } = createPlace();
      let jumpMs = 0;
      const jumping: Clock = { ...clock, monotonicMs: () => clock.monotonicMs() + jumpMs };
      const { ref, heard } = await startListener({ clock: jumping });
      const timer = sendInterval(ref, "tick", 10);
      clock.advance(10);
      await quiet();
      expect(heard).toEqual(["tick"]);
      // The machine was asleep, or a turn was long: 35 ms pass and no timer fires meanwhile.
      jumpMs = 35;
      clock.advance(10);
      await quiet();
      expect(heard).toEqual(["tick", "tick"]);
      expect(readTimer(timer)).toBe(5);
      cancelTimer(timer);
    },
    "a name is looked up each time, and its holder's end does not end it": async () => {
      const { clock, heard, idle, runtime, logic, ref, inside } = await startListener();
      const holder = idle({ name: "holder" });
      const timer = await inside(() => sendInterval("holder", "tick", 10));
      exit(holder, "kill");
      clock.advance(10);
      await inside(() => register("holder", ref));
      clock.advance(10);
      await quiet();
      expect(heard).toEqual(["tick"]);
      await inside(() => unregister("holder"));
      await start(logic, { runtime, name: "holder" });
      clock.advance(10);
      await quiet();
      expect(heard).toEqual(["tick", "tick"]);
      expect(typeof cancelTimer(timer)).toBe("number");
    },
    "it takes 1 ms or more": async () => {
      const { ref, clock, heard } = await startListener();
      expect(await failure(() => sendInterval(ref, "tick", 0))).toMatchObject({ field: "everyMs", value: 0 });
      const timer = sendInterval(ref, "tick", 1);
      clock.advance(1);
      await quiet();
      expect(heard).toEqual(["tick"]);
      cancelTimer(timer);
    },
  },

  timers: {
    "they are of the runtime's clock": async () => {
      const { clock, ref, heard } = await startListener();
      sendAfter(ref, "later", 1_000_000);
      clock.advance(999_999);
      await quiet();
      expect(heard).toEqual([]);
      clock.advance(1);
      await quiet();
      expect(heard).toEqual(["later"]);
    },
    "on the machine's own, one that waits keeps the host alive": async () => {
      expect(await runHost("message timer")).toMatchObject({ code: 0, lines: [through, "the message came"] });
    },
  },
};
