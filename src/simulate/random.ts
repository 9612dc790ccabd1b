/** Chance by a seed: the same seed and name make the same numbers, whatever else is drawn. */

import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { hashOf } from "../otp/registry/key-map.ts";

/** A number from 0 up to 1. */
export type Random = () => number;

/**
 * A source of chance. Each name has its own, so that what is added to a tree changes nothing for the others.
 * @param seed an integer
 */
export function createRandom(seed: number, name: string): Random {
  const generator = xoroshiro128plus(hashOf(`${seed}:${name}`));
  return () => uniformFloat64(generator);
}
