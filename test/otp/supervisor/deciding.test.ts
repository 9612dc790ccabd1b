import { expect, test } from "vitest";
import { ProcessError } from "../../../src/errors.ts";
import { exit } from "../../../src/otp/process/link.ts";
import type { Process } from "../../../src/otp/process/process.ts";
import { Exit } from "../../../src/otp/report/exit-reason.ts";
import { spawn } from "../../../src/otp/start/spawn.ts";
import { reasonOfStart } from "../../../src/otp/supervisor/deciding.ts";
import { startSupervisor } from "../../../src/otp/supervisor/start.ts";
import { strange, thorny } from "../hostile-messages.ts";
import { createWorld, quiet } from "../scripted.ts";

test("the reason of a failed start is that of its error, undefined too; an error without one is the reason itself", () => {
  const failed = (reason: unknown) => new ProcessError("start_failed", "text", { reason });
  expect([reasonOfStart(failed("why")), reasonOfStart(failed(undefined)), reasonOfStart(failed(null))]).toEqual([
    "why",
    undefined,
    null,
  ]);
  const unnamed = new ProcessError("noproc", "cannot name it: it is not alive");
  expect(reasonOfStart(unnamed)).toBe(unnamed);
  expect(reasonOfStart(new Exit(7))).toBe(7);
  const hostile = thorny();
  expect(Object.is((reasonOfStart(hostile) as Error).cause, hostile)).toBe(true);
});

/** Of a list of four thousand million nothings not even the text can be made. */
const { "a sparse array": _tooLong, ...values } = strange;

test.each(Object.entries(values))(
  "a start function may throw or reject with %s: the child is tried again all the same",
  async (_what, make) => {
    const { runtime } = createWorld();
    const thrown = make();
    const attempts = [
      () => {
        throw thrown;
      },
      () => Promise.reject(thrown),
    ];
    let broken: (() => unknown)[] = [];
    const start = (): Process => {
      const attempt = broken.pop();
      return attempt === undefined ? spawn(({ receive }) => receive()) : (attempt() as never);
    };
    const supervisor = await startSupervisor({ maxRestarts: 10, children: [{ id: "a", start }] }, { runtime });
    const before = supervisor.whichChild("a").ref as Process;
    broken = [...attempts];
    exit(before, "kill");
    await quiet();
    const { status, ref } = supervisor.whichChild("a");
    expect([status, ref === before, broken.length]).toEqual(["running", false, 0]);
    await supervisor.stop();
    expect(runtime.processCount).toBe(0);
  },
);
