/**
 * The first import of every door: on a Node that is too old, or on another runtime, the program ends with the sentence that says so, before
 * anything that would fail there is evaluated. A plain Error: errors.ts, too, comes after it.
 */

import { nodeProblem } from "./node-version.ts";

const problem = nodeProblem(globalThis.process?.versions);
if (problem !== undefined) throw new Error(problem);
