/** Where in a tree a policy can be set: at a supervisor, or at a child of one. */

import { CallerError, invalidArgument } from "../../errors.ts";
import { type AnyRestartPolicy, policyRule } from "../policy/restart-policy.ts";
import type { Child } from "./child.ts";
import type { PolicyChain, PolicyState } from "./policy-chain.ts";

/** A supervisor, or a child of one. */
export interface PolicyPlace {
  /** The policies of the supervisor. */
  readonly policies: PolicyChain;
  /** Undefined: the supervisor itself. */
  readonly child?: Child;
  /** Of a supervisor whose children serve the runs of one agent: that agent, which is asked about as a whole. */
  readonly agent?: { readonly policies: PolicyChain; readonly child: Child };
  readonly path: string;
  readonly id: string;
}

/** Paths that an error names. */
const maxPaths = 20;

/**
 * The place with this path, else the first with this id.
 * @throws CallerError "not_found" with the paths that are known
 */
export function findPlace(places: readonly PolicyPlace[], where: string): PolicyPlace {
  const found = places.find(({ path }) => path === where) ?? places.find(({ id }) => id === where);
  if (found !== undefined) return found;
  const paths = places.slice(0, maxPaths).map(({ path }) => `"${path}"`);
  if (places.length > maxPaths) paths.push(`${places.length - maxPaths} more`);
  const message = `nothing that has a policy is known as "${where}"; known are ${paths.join(", ")}`;
  throw new CallerError("not_found", message, { field: "where", value: where });
}

/** @throws CallerError "invalid_argument" naming the field, the value and the rule */
export function checkSetPolicy<Options extends { readonly state?: PolicyState }>(
  where: string,
  policy: AnyRestartPolicy,
  options: Options,
): Options {
  if (typeof where !== "string") throw invalidArgument("where", where, "an id or a path");
  if (typeof policy !== "function") throw invalidArgument("policy", policy, policyRule);
  if (typeof options !== "object" || options === null)
    throw invalidArgument("options", options, "an object of options");
  const { state = "reset" } = options;
  if (state !== "keep" && state !== "reset") throw invalidArgument("options.state", state, '"keep" or "reset"');
  return options;
}
