/** Erlang/OTP in the same run, where the machine has it. */

import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { type Program, startProgram } from "./program.ts";

const run = promisify(execFile);

/** Compiles the Erlang subject into a directory of its own and starts it; undefined when there is no `erl` or `erlc`. */
export async function startErlang(): Promise<{ program: Program; close(): Promise<void> } | undefined> {
  const directory = await mkdtemp(join(tmpdir(), "bench-otp-"));
  const remove = () => rm(directory, { recursive: true, force: true });
  try {
    await run("erlc", ["-o", directory, join(import.meta.dirname, "otp_bench.erl")]);
    const flags = ["-noshell", "+P", "1000000", "-pa", directory, "-s", "otp_bench", "main"];
    const program = await startProgram("erlang", "erl", flags);
    const close = async () => {
      await program.close();
      await remove();
    };
    return { program, close };
  } catch (error) {
    await remove();
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
