/** The launcher that starts a fresh interpreter for every worker. Portable to every POSIX system; a start costs the import of the agent. */

import { randomBytes } from "node:crypto";
import { Duplex } from "node:stream";
import { execa } from "execa";
import { type Clock, realClock } from "./clock.ts";
import type { Launcher, Worker, WorkerSpec } from "./launcher.ts";
import { createSocketDirectory, discardSocketDirectory, type SocketDirectory } from "./socket-directory.ts";
import { describeSpawnFailure, type SpawnFailure } from "./spawn-failure.ts";
import { SpawnedWorker } from "./spawned-worker.ts";
import { createStillbornWorker } from "./stillborn-worker.ts";
import { askForStacks, killGroup, killProcessAndGroup, whenGroupEmpty } from "./terminate.ts";

/** Options of {@link createSpawnLauncher}. */
export interface SpawnLauncherOptions {
  /** Default: the machine's monotonic clock. */
  clock?: Clock;
}

/**
 * Creates a launcher of fresh processes: `interpreter -u -P -m synapse_otp --entry <entry>`, each in its own process group, with fd 3 as
 * control channel and fd 4 as lifeline. It holds nothing itself.
 *
 * Launch from the main thread: on Linux a worker's backstop (PR_SET_PDEATHSIG) fires when the thread that spawned it ends.
 */
export function createSpawnLauncher({ clock = realClock }: SpawnLauncherOptions = {}): Launcher {
  return {
    kind: "spawn",
    launch: (spec) => launch(spec, clock),
    close: () => Promise.resolve(),
  };
}

function launch(spec: WorkerSpec, clock: Clock): Worker {
  const spawnedAtMs = clock.now();
  const stillborn = (failure: SpawnFailure | Promise<SpawnFailure>) =>
    createStillbornWorker(spec, clock, spawnedAtMs, failure);
  let directory: SocketDirectory | undefined;
  try {
    directory = createSocketDirectory();
    const subprocess = spawn(spec);
    const { nodeChildProcess: child, pid } = subprocess;
    if (pid === undefined) {
      discardSocketDirectory(directory);
      // Settles when nobody is left to wait for; never rejects (reject: false).
      return stillborn(
        subprocess.then(({ cause, originalMessage }) => describeSpawnFailure(spec, cause ?? originalMessage)),
      );
    }
    const [, stdout, stderr, control, lifeline] = child.stdio;
    if (!isSocket(stdout) || !isSocket(stderr) || !isSocket(control) || !isSocket(lifeline)) {
      killProcessAndGroup(pid);
      throw new TypeError("execa gave no stream for one of the file descriptors 1 to 4");
    }
    const token = randomBytes(32).toString("hex");
    return new SpawnedWorker(
      {
        onExit: (listener) => child.on("exit", listener),
        signal: (name) => (name === "SIGKILL" ? killProcessAndGroup(pid) : askForStacks(pid)),
        endGroup: () => (killGroup(pid) ? whenGroupEmpty(pid, clock) : undefined),
        pid,
        stdout,
        stderr,
        control,
        lifeline,
        directory,
        token,
        spawnedAtMs,
      },
      spec,
      clock,
    );
  } catch (error) {
    if (directory !== undefined) discardSocketDirectory(directory);
    return stillborn(describeSpawnFailure(spec, error));
  }
}

function spawn(spec: WorkerSpec) {
  return execa(spec.interpreter, ["-u", "-P", "-m", "synapse_otp", "--entry", spec.entry], {
    cwd: spec.cwd,
    env: { ...spec.env, SYNAPSE_WORKER: "1" },
    extendEnv: false,
    stdio: ["ignore", "pipe", "pipe", "pipe", "pipe"],
    detached: true, // setsid before exec: pid === pgid from the first instant.
    buffer: false,
    reject: false,
    cleanup: false, // The lifeline ends a worker whose host is gone, however it went.
  });
}

function isSocket(stream: unknown): stream is Duplex {
  return stream instanceof Duplex;
}
