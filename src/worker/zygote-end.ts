/** The end of a guardian and its zygote, however they come to it: nobody is left behind. */

import type { ChildProcess } from "node:child_process";
import { constants } from "node:os";
import type { Duplex } from "node:stream";
import { type Clock, createTimer } from "./clock.ts";
import { endMarked } from "./system-mark.ts";

/** How long the second of the two may take to end once the first has: each ends what there is when the other one is gone. */
const lagMs = 2_000;

/** What is followed to its end. */
export interface Pair {
  /** The guardian. */
  readonly child: ChildProcess;
  /** The channel to the zygote. */
  readonly control: Duplex;
  /** The number of their system. */
  readonly system: number;
  readonly clock: Clock;
}

/** How a shell, and the guardian, says in its exit code that SIGKILL has ended a child. */
const killedCode = 128 + constants.signals.SIGKILL;

/**
 * Settles when both have ended, and everything that was theirs: with whether somebody has killed one of them. Who of them is left ends it; where both were killed, or one does
 * not stir, the host does. Never rejects.
 */
export async function whenGone({ child, control, system, clock }: Pair): Promise<{ killed: boolean }> {
  const guardian = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.once("exit", (code, signal) => resolve({ code, signal }));
    child.once("error", () => {
      if (child.pid === undefined) resolve({ code: null, signal: null });
    });
  });
  const zygote = new Promise<void>((resolve) => control.once("close", resolve));
  await Promise.race([guardian, zygote]);
  child.kill("SIGCONT"); // A guardian that somebody has stopped sees nothing of it.
  const timer = createTimer(clock);
  const late = new Promise<void>((resolve) => timer.set(lagMs, resolve));
  await Promise.race([Promise.all([guardian, zygote]), late]);
  timer.clear();
  child.kill("SIGKILL");
  // One that ended by itself has swept before.
  const { code, signal } = await guardian;
  if (signal !== null) await endMarked(system, clock);
  control.destroy();
  return { killed: signal === "SIGKILL" || code === killedCode };
}
