/** Chance by a seed: the same seed and name make the same numbers, whatever else is drawn. */

import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";

/** A number from 0 up to 1. */
export type Random = () => number;

/**
 * A source of chance. Each name has its own, so that what is added to a tree changes nothing for the others.
 * @param seed an integer
 */
export function createRandom(seed: number, name: string): Random {
  const generator = xoroshiro128plus(hash(`${seed}:${name}`));
  return () => uniformFloat64(generator);
}

/** FNV-1a, 32 bits. Source: http://www.isthe.com/chongo/tech/comp/fnv/ */
function hash(text: string): number {
  let value = 0x811c_9dc5;
  for (let index = 0; index < text.length; index += 1) {
    value = Math.imul(value ^ text.charCodeAt(index), 0x0100_0193);
  }
  return value;
}
