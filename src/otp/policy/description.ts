/** What a built-in policy was made of, so that two of them can be compared: as functions they are all different. */

import type { AnyRestartPolicy } from "./restart-policy.ts";

/** Where a policy carries it, also one that another copy of this package has made. */
const description = Symbol.for("synapse-otp.policy-description");

/** A name and arguments, policies among them. */
interface Description {
  readonly name: string;
  readonly made: readonly unknown[];
}

/** Says of a policy what it was made of: the name of the function that makes it, and what that was given. */
export function describeAs<Policy extends AnyRestartPolicy>(
  policy: Policy,
  name: string,
  ...made: readonly unknown[]
): Policy {
  return Object.defineProperty(policy, description, { value: { name, made } satisfies Description });
}

/**
 * How alike two policies are.
 * - "same": they decide alike: one function, or built-in ones of equal options
 * - "same_code": somebody's own, with the same text; what they refer to outside may differ
 * - "different": they may decide otherwise
 */
export function comparePolicies(one: unknown, other: unknown): "same" | "same_code" | "different" {
  if (one === other) return "same";
  if (typeof one !== "function" || typeof other !== "function") return "different";
  const [mine, theirs] = [describedAs(one), describedAs(other)];
  if (mine === undefined || theirs === undefined) {
    return mine === theirs && String(one) === String(other) ? "same_code" : "different";
  }
  return mine.name === theirs.name ? compareMade(mine.made, theirs.made) : "different";
}

function describedAs(policy: object): Description | undefined {
  return (policy as { [description]?: Description })[description];
}

function compareMade(one: unknown, other: unknown): ReturnType<typeof comparePolicies> {
  if (Object.is(one, other)) return "same";
  if (typeof one === "function") return comparePolicies(one, other);
  if (typeof one !== "object" || typeof other !== "object" || one === null || other === null) return "different";
  if (Array.isArray(one) !== Array.isArray(other)) return "different";
  const keys = [...new Set([...Object.keys(one), ...Object.keys(other)])];
  const parts = keys.map((key) => compareMade(one[key as never], other[key as never]));
  if (parts.includes("different")) return "different";
  return parts.includes("same_code") ? "same_code" : "same";
}
