/** The recordings of a script that is followed: each goes on in its file, in whatever version of the script its recorder was made. */

import { continueRecording, recordOptionsOf } from "../inspect/record.ts";
import type { SystemOptions } from "../system-options.ts";

/** What a system is inspected by. */
type Inspect = SystemOptions["inspect"];

/** The recordings of one run of a script. */
export class ScriptRecordings {
  readonly #files = new Set<string>();

  /** The same inspectors; in the place of a recorder whose file has been written in this run before, one that goes on with it. */
  continued(inspect: Inspect): Inspect {
    if (inspect === undefined) return undefined;
    return [inspect].flat().map((inspector) => {
      const file = recordOptionsOf(inspector)?.file;
      if (file === undefined) return inspector;
      const isKnown = this.#files.has(file);
      this.#files.add(file);
      return isKnown ? (continueRecording(inspector) ?? inspector) : inspector;
    });
  }
}
