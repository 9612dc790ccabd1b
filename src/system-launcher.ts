/** What starts the workers of a system, unless a test brings its own. */

import { logWorkerLine } from "./agent/guarded-logger.ts";
import type { SystemLogger } from "./logger.ts";
import { type ProcessOne, warnOfOrphans } from "./process-one.ts";
import type { Report } from "./report.ts";
import type { Launcher } from "./worker/launcher.ts";
import { chooseLauncher } from "./worker/launcher-choice.ts";
import { createSpawnLauncher } from "./worker/spawn-launcher.ts";
import { createZygoteLauncher } from "./worker/zygote-launcher.ts";

/** What it is made with. */
export interface SystemLauncherParts {
  /** Modules that zygotes import before they fork. */
  readonly preload: readonly string[];
  readonly logger: SystemLogger;
  /** Who process 1 is. */
  readonly one: ProcessOne;
  readonly report: (report: Report) => void;
}

/** Creates the launcher of both ways: forks on Linux, and fresh interpreters elsewhere, where forks are not to be had, and for agents that ask for them. */
export function createSystemLauncher({ preload, logger, one, report }: SystemLauncherParts): Launcher {
  const spawn = createSpawnLauncher();
  const zygote = createZygoteLauncher({
    preload,
    fallback: spawn,
    onUnfit(because) {
      report({ type: "zygote.unfit", because });
      warnOfOrphans(logger, one);
    },
    onLost: (lost) => report({ type: "zygote.lost", ...lost }),
    onLog: (record, pid) => logWorkerLine(logger.child({ zygote: pid }), record),
  });
  return chooseLauncher({ spawn, zygote, auto: process.platform === "linux" ? "zygote" : "spawn" });
}
