/** An agent that restarts for good: neither its host nor its zygote gathers anything. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { expect, test } from "vitest";

/** `STRESS_RESTARTS` says how many. */
const restarts = Number(process.env.STRESS_RESTARTS ?? 30);
/** What is there to stay is there after these. */
const first = Math.max(10, restarts / 10);
/** What the collector has not found yet, and what a run or two more keeps: less than what a thousand of anything would take. */
const slackBytes = 512 * 1024;

interface Holdings {
  readonly descriptors: number;
  readonly sockets: number;
  readonly children: number;
  readonly zombies: number;
}

interface Look {
  readonly host: Holdings & { readonly files: number; readonly objectBytes: number };
  readonly zygote: Holdings & { readonly residentBytes: number };
}

test.runIf(process.platform === "linux")(
  "an agent that restarts again and again leaves nothing in its host and in its zygote",
  { timeout: 60_000 + restarts * 1_000 },
  async () => {
    const directory = mkdtempSync(join(tmpdir(), "restarting-"));
    try {
      const { stdout } = await execa(
        process.execPath,
        ["--expose-gc", "test/fixtures/hosts/restarting.ts", String(first), String(restarts)],
        { env: { TMPDIR: directory }, stdin: "ignore", killSignal: "SIGKILL", timeout: 50_000 + restarts * 1_000 },
      );
      const [before, after] = stdout.split("\n").map((line) => JSON.parse(line) as Look);
      if (before === undefined || after === undefined) throw new Error(`it has not looked twice: ${stdout}`);
      console.log(`${restarts} restarts, after ${first} of them and at the end:\n${stdout}`);
      const { objectBytes, ...host } = after.host;
      const { residentBytes, ...zygote } = after.zygote;
      expect({ host, zygote }).toEqual({
        host: { ...before.host, zombies: 0, objectBytes: undefined },
        zygote: { ...before.zygote, zombies: 0, residentBytes: undefined },
      });
      expect(objectBytes).toBeLessThan(before.host.objectBytes + slackBytes);
      expect(residentBytes).toBeLessThan(before.zygote.residentBytes + slackBytes);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  },
);
