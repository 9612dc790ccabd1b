/** The reason of a supervisor that did not start because a child of it did not; OTP's `{shutdown, {failed_to_start_child, Id, Reason}}`. */

import { describeExitReason, type ExitReason } from "../report/exit-reason.ts";

/** What a start that failed says of the child; in nested supervisors its reason is another one of these. */
export interface FailedStart {
  readonly shutdown: {
    readonly type: "failed_to_start_child";
    readonly childId: string;
    readonly reason: ExitReason;
  };
}

/** Makes the reason. Its text names the child and the one at the bottom: written out, a deep tree's reasons would be as long as it is deep, at every level. */
export function failedStart(childId: string, reason: ExitReason): ExitReason {
  const failed: FailedStart = { shutdown: { type: "failed_to_start_child", childId, reason } };
  return Object.defineProperty(failed, "describe", { get: () => describeFailedStart(failed) });
}

function describeFailedStart({ shutdown: top }: FailedStart): string {
  let bottom = top;
  while (isFailedStart(bottom.reason)) bottom = bottom.reason.shutdown;
  const below = bottom === top ? "" : `, below it child "${bottom.childId}"`;
  return `child "${top.childId}" did not start${below}: ${describeExitReason(bottom.reason)}`;
}

function isFailedStart(reason: unknown): reason is FailedStart {
  const { shutdown } = (reason ?? {}) as { shutdown?: { type?: unknown } };
  return typeof shutdown === "object" && shutdown?.type === "failed_to_start_child";
}
