/** The process of a table: of a registry or of process groups. It does nothing but live, be named, be supervised and end; it keeps no mail. */

import { checkObject } from "../process/argument.ts";
import { callIn } from "../process/call-message.ts";
import { reportDeadLetter } from "../process/dead-letter.ts";
import type { Process, Runtime } from "../process/process.ts";
import type { Via } from "../process/target.ts";
import { type ProcessContext, spawnInternal } from "../start/spawn.ts";

/** Options of a table's process. */
export interface TableOptions {
  /** A name for it, by which it is found again. Default: none. */
  readonly name?: string | Via;
  /** Default: the runtime of the process that starts it, or the default one. */
  readonly runtime?: Runtime;
}

/** Starts the process of a table. @throws CallerError "invalid_argument", "already_started" */
export function startTable(label: string, options: TableOptions, link?: Process): Process {
  checkObject("options", options);
  const { name, runtime } = options;
  const refuseAll = async ({ receive, self }: ProcessContext): Promise<never> => {
    for (;;) {
      const message = await receive();
      const call = callIn(message);
      if (call !== undefined) call.refuse(`the process of ${label} takes no calls of its own`);
      else reportDeadLetter(self.runtime, self, message, "unhandled");
    }
  };
  return spawnInternal(refuseAll, {
    label,
    ...(name === undefined ? {} : { name }),
    ...(runtime === undefined ? {} : { runtime }),
    ...(link === undefined ? {} : { link }),
  });
}
