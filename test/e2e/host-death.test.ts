import { readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { createInterface } from "node:readline";
import { execa } from "execa";
import { expect, test } from "vitest";
import { sweepSocketDirectories } from "../../src/worker/socket-directory.ts";
import { isAlive, untilGone } from "./support.ts";

/** Starts the host program and waits until it says what it is responsible for. */
async function startHost(onSigterm: "graceful" | "default", doing: string) {
  const host = execa(process.execPath, ["test/fixtures/hosts/host.ts", onSigterm, doing], {
    reject: false,
    stdin: "ignore",
    timeout: 60_000,
    killSignal: "SIGKILL",
  });
  // Not execa's own lines: leaving that loop would wait for the host's end.
  const lines = createInterface({ input: host.stdout });
  const line = await new Promise<string>((resolve, reject) => {
    lines.once("line", resolve);
    lines.once("close", () => reject(new Error("the host ended without a line")));
  });
  lines.close();
  host.stdout.resume();
  const { pids } = JSON.parse(line) as { pids: number[] };
  return { host, pids };
}

/** Socket directories that a host left. */
function leftBy(pid: number | undefined): string[] {
  return readdirSync(tmpdir()).filter((name) => name.startsWith("synapse-") && name.includes(`-${pid}-`));
}

test.each(["idle", "starting", "hog", "gil-hog"])(
  "kill -9 of the host while its worker is %s leaves no Python and no grandchild behind",
  async (doing) => {
    const { host, pids } = await startHost("default", doing);
    expect(pids.filter(isAlive)).toEqual(pids);
    host.kill("SIGKILL");
    await untilGone(...pids);
    await host;
    sweepSocketDirectories();
    expect(leftBy(host.pid)).toEqual([]);
  },
);

test("SIGTERM to a host that stops its system ends everything in order, with exit code 0", async () => {
  const { host, pids } = await startHost("graceful", "idle");
  host.kill("SIGTERM");
  const { exitCode, signal } = await host;
  expect({ exitCode, signal }).toEqual({ exitCode: 0, signal: undefined });
  expect(pids.filter(isAlive)).toEqual([]);
  expect(leftBy(host.pid)).toEqual([]);
});

test("SIGTERM to a host that does nothing about it leaves no Python behind", async () => {
  const { host, pids } = await startHost("default", "idle");
  host.kill("SIGTERM");
  await untilGone(...pids);
  expect((await host).signal).toBe("SIGTERM");
});
