/** The stop of a child by its own wish: through its supervisor, which would start it again otherwise. */

import type { ChildScope } from "../otp/supervisor/running-child.ts";

/** Has a child stopped by its supervisor, so that it is not restarted; `end` ends one that its supervisor knows no more. */
export async function terminateBySupervisor({ control, childId }: ChildScope, end: () => void): Promise<void> {
  try {
    await control.terminateChild(childId);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "not_found") end();
    else if (code !== "stopped") throw error;
  }
}
