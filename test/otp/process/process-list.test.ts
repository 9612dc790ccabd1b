import { expect, test } from "vitest";
import { formatProcesses, processes } from "../../../src/otp/process/process-list.ts";
import { LocalRuntime } from "../../../src/otp/process/runtime.ts";
import { send } from "../../../src/otp/request/call.ts";
import { stop } from "../../../src/otp/request/stop.ts";
import { spawn } from "../../../src/otp/start/spawn.ts";
import { quiet } from "../kernel.ts";

const waits = ({ receive }: { receive: () => Promise<unknown> }) => receive();

test("the live processes of a runtime are listed, oldest first, and leave the list when they end", async () => {
  const runtime = new LocalRuntime();
  const [a, b, c] = [spawn(waits, { runtime }), spawn(waits, { runtime }), spawn(waits, { runtime, name: "c" })];
  expect(processes(runtime)).toEqual([a, b, c]);
  await stop(b);
  expect(processes(runtime)).toEqual([a, c]);
  await stop(a);
  await stop(c);
  expect(processes(runtime)).toEqual([]);
  const d = spawn(waits, { runtime });
  expect(processes(runtime)).toEqual([d]);
  await stop(d);
});

test("the table has a line for each, with what it has done and what waits", async () => {
  const runtime = new LocalRuntime();
  const ref = spawn(
    async ({ receive }) => {
      await receive((message) => message === "over");
    },
    { runtime, name: "reader" },
  );
  send(ref, "one");
  send(ref, "two");
  await quiet();
  expect(formatProcesses(processes(runtime))).toBe(
    [
      "process       status   queue  handled  links  monitored by  parent",
      '<1> "reader"  running  2      2        0      0',
    ].join("\n"),
  );
  send(ref, "over");
  await quiet();
  expect(formatProcesses(processes(runtime)).split("\n")).toHaveLength(1);
});
