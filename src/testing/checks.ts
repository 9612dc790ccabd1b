/** The checks of what a test gives to the doubles: a misspelt answer would be the default one. */

import { isRecord } from "../describe-value.ts";
import { invalidArgument } from "../errors.ts";
import { AgentErrorKind } from "../gen/synapse_otp/v1/agent_pb.ts";
import { checkFunction, checkMethods } from "../otp/process/argument.ts";

const replies: readonly string[] = ["chunks", "output", "asks", "hang"];

/** @throws CallerError "invalid_argument" for what is given and no function */
export function checkFunctions(field: string, given: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(given)) if (value !== undefined) checkFunction(`${field}.${name}`, value);
}

/** @throws CallerError "invalid_argument" for what is given and no clock */
export function checkClock(clock: object | undefined): void {
  if (clock !== undefined) checkMethods("options.clock", clock, ["now", "setTimeout", "clearTimeout"], "a clock");
}

/** @throws CallerError "invalid_argument" for an answer of a fake agent that is none */
export function checkReply(reply: unknown): void {
  if (typeof reply === "string" || (isRecord(reply) && replies.some((name) => name in reply))) return;
  throw invalidArgument("the answer of a fake agent", reply, "a text, { chunks }, { output }, { asks } or { hang }");
}

/** @throws CallerError "invalid_argument" for a kind of error that there is not */
export function checkErrorKind(kind: unknown): void {
  if (kind === "unknown") return;
  const known = typeof kind === "string" && kind === kind.toLowerCase() && kind.toUpperCase() in AgentErrorKind;
  if (!known) throw invalidArgument("kind", kind, 'a kind of RunError, such as "usage_limit_exceeded"');
}

/** @throws CallerError "invalid_argument" for what is no time, or before `least` */
export function checkMs(field: string, ms: unknown, least = Number.NEGATIVE_INFINITY): void {
  if (typeof ms === "number" && Number.isFinite(ms) && ms >= least) return;
  throw invalidArgument(field, ms, `a number of milliseconds${least === 0 ? ", 0 or more" : ""}`);
}
