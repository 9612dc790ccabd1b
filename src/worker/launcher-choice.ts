/** Each worker is started in the way that its agent names. */

import type { Launcher } from "./launcher.ts";

/** One launcher of both: a specification says which one starts its worker; "auto", and nothing, is a fresh process. */
export function chooseLauncher({ spawn, zygote }: { readonly spawn: Launcher; readonly zygote: Launcher }): Launcher {
  return {
    kind: spawn.kind,
    launch: (spec) => (spec.launcher === "zygote" ? zygote : spawn).launch(spec),
    async close() {
      await Promise.all([spawn.close(), zygote.close()]);
    },
  };
}
