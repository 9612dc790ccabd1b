/** Keeps a file of types up to date while the agent's code changes. */

import { dirname, join, resolve } from "node:path";
import { checkEntry } from "../agent/entry.ts";
import type { Report } from "../report.ts";
import { FileWatch } from "../script/file-watch.ts";
import { stopOnSignals } from "../signals.ts";
import { contractFile } from "./contract-file.ts";
import { type DescribedAgent, startDescribed } from "./described-agent.ts";
import { type Written, writeTypes } from "./typed-file.ts";

/** What a watch tells of itself. */
export type TypegenNews =
  | { readonly type: Written; readonly file: string; readonly hash: string }
  /** The agent cannot be loaded, or the file not be written: the next change is waited for. */
  | { readonly type: "failed"; readonly message: string }
  | { readonly type: "unwatched"; readonly folder: string; readonly message: string };

/** What is watched. */
export interface TypegenWatchOptions {
  readonly source: DescribedAgent;
  /** Absolute path. */
  readonly file: string;
  readonly tell: (news: TypegenNews) => void;
}

/** A watch over one agent. The runtime's own watch of a worker's files replaces the worker; one that has never started is begun anew here. */
export class TypegenWatch {
  readonly #options: TypegenWatchOptions;
  readonly #stopped = Promise.withResolvers<"stopped">();
  #described: Awaited<ReturnType<typeof startDescribed>> | undefined;
  /** The last turn of asking and writing. */
  #writing: Promise<void> = Promise.resolve();

  constructor(options: TypegenWatchOptions) {
    this.#options = options;
  }

  /** Runs until a signal asks it to stop. */
  async run(): Promise<void> {
    const stop = async () => this.#stopped.resolve("stopped");
    const kill = () => void this.#described?.system.stop({ timeoutMs: 0 });
    // The exit code is the watch's own: to be stopped in order is how it ends.
    const release = stopOnSignals({ stop, kill, keepsExitCode: true });
    // Between two systems nothing else keeps the process alive.
    const alive = setInterval(() => undefined, 0x7fff_ffff);
    try {
      for (;;) {
        const sinceMs = Date.now();
        if ((await this.#follow()) === "stopped") return;
        if ((await this.#changed(sinceMs)) === "stopped") return;
      }
    } finally {
      await this.#described?.system.stop();
      clearInterval(alive);
      release();
    }
  }

  /** Follows the agent while it has a worker, or may get one. */
  async #follow(): Promise<"stopped" | "ended"> {
    const { source } = this.#options;
    try {
      this.#described = await startDescribed(source, { watch: true, onReport: (report) => this.#heard(report) });
      const { system, agent } = this.#described;
      const left = agent.whenReady().then(() => system.ended);
      const outcome = await Promise.race([this.#stopped.promise, left.then(() => "ended" as const)]);
      if (outcome === "ended") this.#fail(agent.lastCrash?.describe ?? "the agent has stopped");
      return outcome;
    } catch (error) {
      this.#fail(messageOf(error));
      return "ended";
    } finally {
      const described = this.#described;
      this.#described = undefined;
      await described?.system.stop();
    }
  }

  #heard(report: Report): void {
    if (report.type === "agent.swap_failed") this.#fail(report.crash.describe);
    if (report.type !== "agent.ready" && report.type !== "agent.swapped") return;
    this.#writing = this.#writing.then(() => this.#write());
  }

  async #write(): Promise<void> {
    const { source, file, tell } = this.#options;
    const described = this.#described;
    if (described === undefined) return;
    try {
      const description = await described.agent.describe();
      const type = writeTypes(file, contractFile(description, source));
      tell({ type, file, hash: description.schemaHash });
    } catch (error) {
      if (this.#described === described) this.#fail(messageOf(error));
    }
  }

  /** Settles when some Python file beside the entry's has changed. */
  async #changed(sinceMs: number): Promise<"stopped" | "changed"> {
    const { source, tell } = this.#options;
    const { promise, resolve: changed } = Promise.withResolvers<"changed">();
    using watch = new FileWatch({
      onChange: () => changed("changed"),
      onError: (error, folder) => tell({ type: "unwatched", folder, message: messageOf(error) }),
      others: (name) => name.endsWith(".py"),
    });
    watch.add([entryFile(source)], sinceMs);
    return await Promise.race([this.#stopped.promise, promise]);
  }

  #fail(message: string): void {
    this.#options.tell({ type: "failed", message });
  }
}

/** The file that an entry names, or would be found in. */
function entryFile({ entry, cwd }: DescribedAgent): string {
  const { file, module } = checkEntry("entry", entry);
  return resolve(cwd, file ?? join(dirname(module.replaceAll(".", "/")), "__init__.py"));
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
