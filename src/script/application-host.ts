/** The process of an application that is run by a command: a signal that stops it in order is what was wanted of it. */

import type { SignalHost } from "../signals.ts";

/** The process, whose exit code is the command's own. */
export function applicationHost(): SignalHost {
  return {
    pid: process.pid,
    exitCode: 0,
    on: (event, listener) => process.on(event as never, listener as never),
    off: (event, listener) => process.off(event as never, listener as never),
    prependListener: (event, listener) => process.prependListener(event as never, listener as never),
    listenerCount: (event) => process.listenerCount(event as never),
    kill: (pid, signal) => process.kill(pid, signal),
  };
}
