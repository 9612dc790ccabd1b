/** Finds the running systems of this user, and asks them over their control sockets. */

import { lstatSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { CallerError, type ErrorCode, ProcessError, SynapseError, withoutCode } from "../errors.ts";
import { hasEnded } from "../worker/host-mark.ts";
import { socketDirectories } from "../worker/socket-directory.ts";
import { socketFault } from "../worker/socket-owner.ts";
import {
  type ControlAnswer,
  type ControlAnswers,
  type ControlHello,
  type ControlRequest,
  controlSocketName,
  controlVersion,
  maxAnswerLength,
} from "./protocol.ts";

/** How long a system may take to say who it is, in milliseconds. */
const helloMs = 5_000;

/** A running system that can be asked. */
export interface FoundSystem extends ControlHello {
  readonly socketPath: string;
}

/** Every running system of this user that has a control socket, by name, then by pid. One that does not answer is left out. */
export async function findSystems(): Promise<FoundSystem[]> {
  const found = await Promise.all(
    socketDirectories().map(async ({ path, host }): Promise<FoundSystem[]> => {
      const socketPath = join(path, controlSocketName);
      if (lstatSync(socketPath, { throwIfNoEntry: false })?.isSocket() !== true) return [];
      // The number of a process in another pid namespace means nothing here.
      if (socketFault(socketPath, hasEnded(host) === false ? host.pid : undefined) !== undefined) return [];
      try {
        return [{ ...(await askSystem({ socketPath }, { type: "hello" }, helloMs)), socketPath }];
      } catch {
        return []; // It has just ended, or it is stopped and answers nobody.
      }
    }),
  );
  return found.flat().sort((a, b) => (a.system < b.system ? -1 : a.system > b.system ? 1 : a.pid - b.pid));
}

/** Whether a system is meant by its name or its pid; undefined means every one. */
export function isMeant({ system, pid }: Pick<FoundSystem, "system" | "pid">, which: string | undefined): boolean {
  return which === undefined || system === which || String(pid) === which;
}

/**
 * The system that is meant.
 * @param which its name or its pid; undefined: the only one
 * @returns rejects with CallerError "not_found" when there is none, or "invalid_argument" when it is not clear which one
 */
export async function findSystem(which: string | undefined): Promise<FoundSystem> {
  const all = await findSystems();
  const meant = all.filter((found) => isMeant(found, which));
  const [only] = meant;
  if (only !== undefined && meant.length === 1) {
    if (only.control === controlVersion) return only;
    const message = `system "${only.system}" (pid ${only.pid}) is of synapse-otp ${only.version}, whose control socket speaks otherwise: use its own program`;
    throw new CallerError("invalid_argument", message, { field: "--system", value: which });
  }
  const known = all.map(({ system, pid }) => `"${system}" (pid ${pid})`).join(", ");
  if (only !== undefined) {
    const message = `several systems run: ${known}; say which one by --system, with its name or pid`;
    throw new CallerError("invalid_argument", message, { field: "--system", value: which });
  }
  const running = all.length === 0 ? "none runs that has a control socket" : `there is ${known}`;
  const about = which === undefined ? "no system is found" : `no system "${which}" is found`;
  const message = `${about}: ${running} (startSystem({ control: true }), or synapse-otp run), of this user and with this TMPDIR`;
  throw new CallerError("not_found", message, { field: "--system", value: which });
}

/**
 * Asks a system.
 * @returns rejects with the error that it answers, ProcessError "timeout" when it does not in time, "noproc" when it is gone, "exited" when it ends meanwhile
 */
export function askSystem<Type extends ControlRequest["type"]>(
  { socketPath }: Pick<FoundSystem, "socketPath">,
  request: ControlRequest & { readonly type: Type },
  timeoutMs: number,
): Promise<ControlAnswers[Type]> {
  return new Promise((resolve, reject) => {
    const socket = connect(socketPath);
    const fail = (code: "timeout" | "noproc" | "exited", message: string) =>
      reject(new ProcessError(code, `the system ${message}`));
    const timer = setTimeout(() => {
      fail("timeout", `has not answered within ${timeoutMs} ms`);
      socket.destroy();
    }, timeoutMs);
    let text = "";
    socket.setEncoding("utf8");
    socket.on("connect", () => void socket.write(`${JSON.stringify(request)}\n`));
    socket.on("error", ({ message }) => fail("noproc", `cannot be reached: ${message}`));
    socket.on("close", () => {
      clearTimeout(timer);
      fail("exited", "has ended, or has no more connections for now");
    });
    socket.on("data", (chunk: string) => {
      text += chunk;
      if (text.length > maxAnswerLength + 1) socket.destroy();
      if (!text.endsWith("\n")) return;
      socket.end();
      const answer = JSON.parse(text) as ControlAnswer;
      if ("error" in answer) reject(errorOf(answer.error));
      else resolve(answer.result as ControlAnswers[Type]);
    });
  });
}

function errorOf({ code, message }: { code: ErrorCode; message: string }): SynapseError {
  return new SynapseError(code, withoutCode(message));
}
