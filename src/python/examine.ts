/** Looks at one candidate: the interpreter that would run the workers, and what it says of itself. */

import { realpathSync } from "node:fs";
import { type Candidate, isExecutable } from "./candidates.ts";
import type { ProbeAnswer, ProbePlace, ProbeResult } from "./probe.ts";

/** What came of looking at a candidate. */
export type Examined = { candidate: Candidate } & (
  | { path: string; answer: ProbeAnswer }
  /**
   * `broken`: something is there but it is no Python that works. `slow`: it did not answer in time, which is not the same. `remedy`: what mends it,
   * where that is no other interpreter.
   */
  | { reason: string; broken: boolean; slow?: boolean; remedy?: string }
);

/** Asks an interpreter; `path` exists. */
export type Ask = (path: string, place: ProbePlace) => Promise<ProbeResult>;

/** Runs a candidate, or the interpreter behind it when it is a wrapper. Never rejects. */
export async function examine(candidate: Candidate, place: ProbePlace, ask: Ask): Promise<Examined> {
  if (candidate.path === undefined) {
    return { candidate, reason: candidate.absent ?? "there is no such program on PATH", broken: false };
  }
  if (!isExecutable(candidate.path)) return { candidate, reason: "there is no such executable file", broken: false };

  let path = candidate.path;
  let result = await ask(path, place);
  if ("answer" in result && isWrapper(path, result.answer)) {
    // What the wrapper set up (its environment) is gone when it is not run: ask again without it.
    path = result.answer.executable;
    result = await ask(path, place);
  }
  if ("failure" in result) {
    const { failure: reason, timedOut, remedy } = result;
    return { candidate, reason, broken: !timedOut, slow: timedOut, ...(remedy === undefined ? {} : { remedy }) };
  }
  return { candidate, path, answer: result.answer };
}

/** Whether running `path` ran another file in the end. A link, and a virtual environment's own python, are not wrappers. */
function isWrapper(path: string, answer: ProbeAnswer): answer is ProbeAnswer & { executable: string } {
  const { executable } = answer;
  if (executable === undefined || executable === path || !isExecutable(executable)) return false;
  return realpathSync(executable) !== realpathSync(path);
}
