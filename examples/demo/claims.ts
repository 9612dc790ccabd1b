/** What the demonstration claims, checked: a claim that does not hold makes it fail. */

import type { Screen } from "./screen.ts";

/** The claims of one demonstration. */
export interface Claims {
  /** Says whether a claim holds and shows it. `detail` is what was measured. */
  check(claim: string, holds: boolean, detail?: string): void;
  readonly held: number;
  readonly broken: number;
}

/** Creates an empty list of claims that shows each one as it is checked. */
export function createClaims(screen: Screen): Claims {
  let held = 0;
  let broken = 0;
  return {
    check(claim, holds, detail) {
      if (holds) held += 1;
      else broken += 1;
      const mark = holds ? screen.style("green", "✓") : screen.style("red", "✗ NOT TRUE:");
      screen.line(`  ${mark} ${claim}${detail === undefined ? "" : screen.style("dim", ` (${detail})`)}`);
    },
    get held() {
      return held;
    },
    get broken() {
      return broken;
    },
  };
}
