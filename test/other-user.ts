/** Another user of the machine, for tests of what it cannot do. The harness of tests that need root. */

import { execFile } from "node:child_process";
import { promisify } from "node:util";

/** A user that no machine gives rights to. */
const nobody = 65_534;

/** Whether this process may become another user. */
export const isRoot = process.getuid?.() === 0;
/** For the title of a test that is skipped where it may not. */
export const whySkipped = isRoot ? "" : " (skipped: only root can become another user)";

const prelude = `
import json, os, socket, sys
user = int(sys.argv.pop(1))
if user: os.setgroups([]); os.setgid(user); os.setuid(user)
seen = {}
def attempt(name, act):
    try:
        seen[name] = act()
    except OSError as error:
        seen[name] = type(error).__name__
`;

/**
 * Runs a Python program as the other user, or as this one, and answers what its calls of `attempt(name, act)` came to: values, or the names of errors. The
 * interpreter is the system's, which every user may run.
 */
export async function attemptAs(
  who: "nobody" | "root",
  program: string,
  args: readonly string[],
): Promise<Record<string, unknown>> {
  const whole = `${prelude}${program}\nprint(json.dumps(seen))`;
  const given = ["-c", whole, String(who === "nobody" ? nobody : 0), ...args];
  const { stdout } = await promisify(execFile)("python3", given, { timeout: 10_000 });
  return JSON.parse(stdout) as Record<string, unknown>;
}
