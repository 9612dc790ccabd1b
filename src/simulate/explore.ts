/** Looks for what a policy should not do: sequences of ends, in bounds, put to the policies of every supervisor of a tree. */

import { defineSystem, rootSpec } from "../define-system.ts";
import { checkKnownFields, invalidArgument } from "../errors.ts";
import { normalizeSupervisorSpec } from "../otp/supervisor/spec.ts";
import type { SupervisorDefinition } from "../otp/supervisor/start.ts";
import type { SystemOptions } from "../system-options.ts";
import { Explorer } from "./explorer.ts";
import type { Exploration } from "./finding.ts";

/** The bounds of an exploration. */
export interface ExploreOptions {
  /** Ends in a sequence of any kinds, of any children; 1 to 6, default 3. */
  readonly depth?: number;
  /** Such sequences at most, for each supervisor; default 20,000. */
  readonly maxSequences?: number;
}

/**
 * Explores the policies of a tree. It starts nothing. What it does not find may be there all the same: `notExplored` says where it has not looked.
 * @throws CallerError "invalid_argument"
 */
export function explore(tree: SystemOptions, options: ExploreOptions = {}): Exploration {
  if (typeof options !== "object" || options === null)
    throw invalidArgument("options", options, "an object of options");
  checkKnownFields("options", options, new Set(["depth", "maxSequences"]));
  const { depth = 3, maxSequences = 20_000 } = options;
  if (!(Number.isInteger(depth) && depth >= 1 && depth <= 6)) throw invalidArgument("options.depth", depth, "1 to 6");
  if (!(Number.isInteger(maxSequences) && maxSequences >= 1)) {
    throw invalidArgument("options.maxSequences", maxSequences, "an integer of 1 or more");
  }
  const spec = rootSpec(defineSystem(tree));
  const root = normalizeSupervisorSpec(spec, "tree");
  const explorer = new Explorer(depth, maxSequences);
  const left = [{ spec: root, path: root.id }];
  // The list grows while it is read: a tree of any depth needs no stack.
  for (const place of left) {
    explorer.look(place.spec, place.path);
    for (const child of place.spec.children) {
      const below = (child.spec as Partial<SupervisorDefinition>).spec;
      if (below !== undefined) left.push({ spec: normalizeSupervisorSpec(below), path: `${place.path}/${child.id}` });
    }
  }
  return explorer.result();
}
