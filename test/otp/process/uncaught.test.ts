/** In hosts of their own, because this test's runner listens for uncaught errors itself. */

import { spawn } from "node:child_process";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";

/** Runs a scenario of a fixture. */
async function host(
  scenario: string,
  program = "uncaught",
): Promise<{ code: number | null; lines: string[]; stderr: string }> {
  const fixture = join(import.meta.dirname, `../../fixtures/otp/${program}.ts`);
  const child = spawn(process.execPath, [fixture, scenario], { stdio: ["ignore", "pipe", "pipe"], timeout: 20_000 });
  const code = new Promise<number | null>((resolve) => child.on("close", resolve));
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { code: await code, lines: stdout.trim().split("\n"), stderr };
}

test("an error thrown in a timer of a server ends that server, through terminate, and neither another nor the host", async () => {
  expect(await host("timer")).toMatchObject({
    code: 0,
    lines: [
      "terminate: Error: thrown in a timer",
      "report process.crashed",
      "process ended: Error: thrown in a timer",
      "the other is fine",
      "terminate: normal",
      "host lives",
    ],
  });
});

test("a rejection that a server's handler does not await ends that server", async () => {
  const { code, lines } = await host("promise");
  expect(lines).toContain("process ended: Error: rejected for nobody");
  expect([code, lines.at(-1)]).toEqual([0, "host lives"]);
});

test("timers and promises of plain code end its process", async () => {
  const { code, lines } = await host("code");
  expect(lines.filter((line) => line.startsWith("process"))).toEqual([
    "process ended: Error: thrown in a timer",
    "process ended: Error: thrown: a text rejected for nobody",
  ]);
  expect([code, lines.at(-1)]).toEqual([0, "host lives"]);
});

const node = Number(process.versions.node.split(".")[0]);

test.skipIf(node < 24)(
  "microtasks of plain code end its process (Node before 24 does not say whose a microtask is)",
  async () => {
    const { code, lines } = await host("microtask");
    expect(lines.filter((line) => line.startsWith("process"))).toEqual(["process ended: Error: thrown in a microtask"]);
    expect([code, lines.at(-1)]).toEqual([0, "host lives"]);
  },
);

test.each([
  ["thrown", "nobody"],
  ["rejected", "nobody-rejects"],
])("an error of nobody that is %s ends the host as Node does, with its stack on stderr", async (how, scenario) => {
  const { code, lines, stderr } = await host(scenario);
  expect(code).toBe(1);
  expect(stderr).toMatch(new RegExp(`Error: ${how} by nobody\\n\\s+at .*uncaught\\.ts`));
  expect(lines).not.toContain("host lives");
});

test("a host that listens for uncaught errors gets those of nobody, rejections too, and lives", async () => {
  expect(await host("listener")).toMatchObject({
    code: 0,
    lines: [
      "heard thrown by nobody (uncaughtException)",
      "heard rejected by nobody (unhandledRejection)",
      "host lives",
    ],
  });
});

test("a reader, a trace and an inspector that reject harm nobody they are told of: it is where they were given that hears of it", async () => {
  const { code, lines } = await host("listeners");
  expect(code).toBe(0);
  expect(lines.filter((line) => !line.startsWith("report")).sort()).toEqual([
    "host lives",
    "process ended: Error: rejected by the trace of a process",
    "terminate: normal",
    "the host heard rejected by a reader",
    "the host heard rejected by a trace",
    "the host heard rejected by an inspector",
    // A host that listens hears of all.
    "the host heard rejected by the trace of a process",
    "the sender lives, the server is fine",
  ]);
});

test("what a process leaves behind that another has ended is its own error, told and not thrown", async () => {
  const { code, lines } = await host("cleanup");
  expect([code, lines]).toEqual([
    0,
    ["report process.late_error", "report process.late_error", "the killer lives", "host lives"],
  ]);
});

test("every promise that rejects for nobody ends the process that asked, whoever makes it reject, and no other", async () => {
  const { code, lines, stderr } = await host("", "unawaited");
  const last = lines.pop();
  expect(lines.filter((line) => !/: caught (\w+), ended by \1, the others live$/.test(line))).toEqual([]);
  expect([code, last, stderr, lines.length]).toEqual([0, "0 processes are left, the host lives", "", 39]);
});

test("a turn that breaks, and what follows of it, keeps no other from its turn", async () => {
  const { code, lines } = await host("queue");
  expect([code, lines.toSorted()]).toEqual([
    0,
    ["heard and so does what follows", "host lives", "the next has its turn"],
  ]);
});

test("nothing listens for uncaught errors while no process lives", async () => {
  expect((await host("idle")).lines).toEqual(["before 0,0", "while 1,1", "after 0,0", "host lives"]);
});
