/** Each worker is started in the way that its agent names. */

import type { Launcher } from "./launcher.ts";

/** The launchers that there are, and what "auto", and nothing, means here. */
export interface LauncherChoice {
  readonly spawn: Launcher;
  readonly zygote: Launcher;
  readonly auto: "spawn" | "zygote";
}

/** One launcher of all of them: a specification says which one starts its worker. */
export function chooseLauncher({ spawn, zygote, auto }: LauncherChoice): Launcher {
  const launchers = { spawn, zygote, auto: auto === "zygote" ? zygote : spawn };
  return {
    kind: auto,
    launch: (spec) => launchers[spec.launcher ?? "auto"].launch(spec),
    async close() {
      await Promise.all([spawn.close(), zygote.close()]);
    },
  };
}
