import { createInterface } from "node:readline";
import { execa } from "execa";
import { describe, expect, test } from "vitest";
import { isAlive, untilGone } from "./support.ts";

/** Starts the service and waits for the first word of its stream. */
async function startService(signals: "handles" | "once", delayMs = 200) {
  const service = execa(process.execPath, ["test/fixtures/hosts/service.ts", signals, String(delayMs)], {
    reject: false,
    stdin: "ignore",
    timeout: 60_000,
    killSignal: "SIGKILL",
  });
  const lines: string[] = [];
  const worker = await new Promise<number>((resolve, reject) => {
    const reader = createInterface({ input: service.stdout });
    reader.on("line", (line) => {
      lines.push(line);
      if (line.startsWith("running ")) resolve(Number(line.split(" ")[1]));
    });
    reader.once("close", () => reject(new Error(`the service ended before its stream ran: ${lines.join("; ")}`)));
  });
  const { pid } = service;
  if (pid === undefined) throw new Error("the service was not started");
  return { service, pid, worker, lines };
}

describe("a host whose system handles signals", () => {
  test.each([
    ["SIGTERM", 143],
    ["SIGINT", 130],
  ] as const)(
    "%s lets the stream complete, and the host ends by itself with code %i",
    async (signal, code) => {
      const { service, pid, worker, lines } = await startService("handles");
      process.kill(pid, signal);
      const { exitCode, signal: endedBy } = await service;
      expect({ exitCode, endedBy, lines: lines.slice(1) }).toEqual({
        exitCode: code,
        endedBy: undefined,
        lines: ["completed", "exit"],
      });
      expect(isAlive(worker)).toBe(false);
    },
    60_000,
  );

  test("a Ctrl-C that comes twice in an instant, as through npm, is one", async () => {
    const { service, pid, lines } = await startService("handles");
    for (let time = 0; time < 3; time += 1) process.kill(pid, "SIGINT");
    expect((await service).exitCode).toBe(130);
    expect(lines.slice(1)).toEqual(["completed", "exit"]);
  }, 60_000);

  test("SIGTERM to every process of a service, as a service manager sends it, lets the stream complete", async () => {
    const { service, pid, worker, lines } = await startService("handles", 1_200); // longer than a countdown of 5 s
    for (const each of [worker, pid]) process.kill(each, "SIGTERM");
    expect((await service).exitCode).toBe(143);
    expect(lines.slice(1)).toEqual(["completed", "exit"]);
  }, 60_000);

  test("a second signal kills the system and the host at once", async () => {
    const { service, pid, worker, lines } = await startService("handles", 5_000);
    process.kill(pid, "SIGTERM");
    // The echo of the first has passed when the host dies of it: until then it is only ignored.
    const again = setInterval(() => process.kill(pid, "SIGTERM"), 100);
    const { signal } = await service.finally(() => clearInterval(again));
    expect(signal).toBe("SIGTERM");
    await untilGone(worker);
    expect(lines.slice(1)).toEqual([]);
  }, 60_000);
});

test("a host that stops its system in listeners for once survives the echo of a Ctrl-C", async () => {
  const { service, pid, lines } = await startService("once");
  for (let time = 0; time < 2; time += 1) process.kill(pid, "SIGINT");
  const { exitCode, signal } = await service;
  expect({ exitCode, signal }).toEqual({ exitCode: 0, signal: undefined });
  expect(lines.slice(1)).toEqual(["completed", "exit"]);
}, 60_000);
