/** What conformance tests of supervisors read off them, and strangers for them to meet. */

import type { Process } from "../../src/otp/process/process.ts";
import { spawn } from "../../src/otp/start/spawn.ts";
import type { ChildInfo } from "../../src/otp/supervisor/supervisor.ts";
import type { ChildCounts } from "../../src/otp/supervisor/telling.ts";
import type { World } from "./scripted.ts";

/** The children as text, newest first: "a ref", "a stopped", "a restarting"; "-" for one without an id. */
export function listed(supervisor: { whichChildren(): ChildInfo[] }): string[] {
  return supervisor.whichChildren().map(({ id = "-", ref, status }) => `${id} ${ref === undefined ? status : "ref"}`);
}

/** specs/active/supervisors/workers. */
export function counted(supervisor: { countChildren(): ChildCounts }): string {
  const { specs, active, supervisors, workers } = supervisor.countChildren();
  return `${specs}/${active}/${supervisors}/${workers}`;
}

/** A process that is nobody's child and lives until it is signalled. */
export function bystander({ runtime }: World): Process {
  return spawn(({ receive }) => receive(() => false), { runtime });
}

/** What a promise rejects with; "settled" when it does not. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => "settled",
    (error: unknown) => error,
  );
}

/** What acts like a promise and is none. */
export function createThenable<T>(begin: PromiseLike<T>["then"]): PromiseLike<T> {
  const name: string = "then";
  return { [name]: begin } as unknown as PromiseLike<T>;
}
