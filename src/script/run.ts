/** A script run as an application: its system starts, follows what changes of the script, and stops in order when a signal asks for it. */

import { agentsIn } from "../agent/define.ts";
import type { SystemDefinition } from "../define-system.ts";
import { CallerError } from "../errors.ts";
import type { AnyRestartPolicy } from "../otp/policy/restart-policy.ts";
import { describeExitReason, type ExitReason } from "../otp/report/exit-reason.ts";
import type { Report } from "../report.ts";
import { stopOnSignals } from "../signals.ts";
import { startSystem } from "../start-system.ts";
import type { System } from "../system.ts";
import type { SystemParts } from "../system-parts.ts";
import { compareSystems } from "./difference.ts";
import { FileWatch } from "./file-watch.ts";
import { loadScript } from "./load.ts";
import { ScriptModules } from "./modules.ts";
import { ScriptRecordings } from "./recordings.ts";

/** What a run tells of itself. */
export type ScriptNews =
  | { readonly type: "started"; readonly system: string; readonly pid: number; readonly agents: number }
  /** The script has changed, and what it describes has not. */
  | { readonly type: "unchanged" }
  | { readonly type: "policies_set"; readonly paths: readonly string[] }
  | { readonly type: "restarting"; readonly because: string }
  /** `running`: the system that was running goes on. */
  | { readonly type: "load_failed"; readonly message: string; readonly running: boolean }
  | { readonly type: "start_failed"; readonly message: string }
  | { readonly type: "unwatched"; readonly folder: string; readonly message: string }
  /** The system has ended, and nobody had asked for it. */
  | { readonly type: "gave_up"; readonly because: string }
  | { readonly type: "stopping" }
  | { readonly type: "stopped" };

/** How a script is run. */
export interface ScriptRunOptions {
  /** Absolute path of the script. */
  readonly file: string;
  /** Whether changes of the script and of what it imports are followed. */
  readonly watch: boolean;
  readonly tell: (news: ScriptNews) => void;
  readonly parts?: SystemParts;
}

type Happening =
  | { readonly type: "stop" }
  | { readonly type: "changed"; readonly files: readonly string[] }
  | { readonly type: "ended"; readonly system: System; readonly reason: ExitReason };

/** What a file is called that a script can import. */
const moduleName = /\.(?:[cm]?[jt]s|json)$/;

/** A run of a script. */
export class ScriptRun {
  readonly #options: ScriptRunOptions;
  readonly #modules: ScriptModules;
  readonly #happenings: Happening[] = [];
  readonly #recordings = new ScriptRecordings();
  #wake: (() => void) | undefined;
  #watch: FileWatch | undefined;
  #definition: SystemDefinition | undefined;
  #system: System | undefined;
  /** The script could not be loaded the last time: a file that is not known may be why. */
  #broken = false;
  /** What the root said when it gave up. */
  #gaveUp: string | undefined;
  /** The policies that were set since the system started, by path: a supervisor that is restarted has forgotten them. */
  readonly #set = new Map<string, AnyRestartPolicy>();

  constructor(options: ScriptRunOptions) {
    this.#options = options;
    this.#modules = new ScriptModules(options.file);
  }

  /** Runs the script until a signal asks it to stop, or its system gives up. Answers the exit code of the application. */
  async run(): Promise<0 | 1> {
    const release = stopOnSignals({
      stop: async () => this.#happened({ type: "stop" }),
      kill: () => this.#kill(),
      // It is the run's own: an ordered stop is what was wanted of an application.
      keepsExitCode: true,
    });
    // A system without workers holds nothing that keeps the process alive.
    const alive = setInterval(() => undefined, 0x7fff_ffff);
    if (this.#options.watch) this.#watch = this.#createWatch();
    try {
      return await this.#follow();
    } finally {
      this.#watch?.[Symbol.dispose]();
      this.#modules[Symbol.dispose]();
      clearInterval(alive);
      release();
    }
  }

  async #follow(): Promise<0 | 1> {
    const { watch, tell } = this.#options;
    await this.#reload();
    for (;;) {
      if (this.#system === undefined && !watch) return 1;
      const happening = await this.#next();
      switch (happening.type) {
        case "stop":
          if (this.#system !== undefined) tell({ type: "stopping" });
          await this.#system?.stop();
          tell({ type: "stopped" });
          return 0;
        case "changed":
          this.#modules.changed(happening.files);
          await this.#reload();
          break;
        case "ended":
          if (happening.system !== this.#system) break;
          this.#system = undefined;
          tell({ type: "gave_up", because: this.#gaveUp ?? describeExitReason(happening.reason) });
      }
    }
  }

  /** Loads the script and makes the system what it describes. */
  async #reload(): Promise<void> {
    const { file, tell } = this.#options;
    const sinceMs = Date.now();
    let next: SystemDefinition;
    try {
      next = await loadScript(file, this.#modules);
      this.#broken = false;
    } catch (error) {
      this.#broken = true;
      tell({ type: "load_failed", message: messageOf(error), running: this.#system !== undefined });
      return;
    } finally {
      this.#watch?.add(this.#modules.files, sinceMs);
    }
    if (this.#system === undefined || this.#definition === undefined) await this.#start(next);
    else await this.#change(this.#system, this.#definition, next);
  }

  async #change(system: System, before: SystemDefinition, after: SystemDefinition): Promise<void> {
    const { tell } = this.#options;
    const { policies, other } = compareSystems(before, after);
    if (other !== undefined) {
      tell({ type: "restarting", because: `${other} differs` });
      this.#system = undefined;
      await system.stop();
      await this.#start(after);
      return;
    }
    this.#definition = after;
    for (const { path, policy, state } of policies) {
      this.#set.set(path, policy);
      setPolicy(system, path, policy, state);
    }
    tell(
      policies.length === 0 ? { type: "unchanged" } : { type: "policies_set", paths: policies.map(({ path }) => path) },
    );
  }

  async #start(definition: SystemDefinition): Promise<void> {
    const { tell, parts } = this.#options;
    this.#definition = definition;
    this.#gaveUp = undefined;
    this.#set.clear();
    try {
      const system = await startSystem(
        { ...definition, inspect: this.#recordings.continued(definition.inspect), handleSignals: false, control: true },
        { ...parts, onReport: (report) => this.#onReport(report) },
      );
      this.#system = system;
      void system.ended.then((reason) => this.#happened({ type: "ended", system, reason }));
      const agents = agentsIn(definition.children ?? []).length;
      tell({ type: "started", system: system.name, pid: process.pid, agents });
    } catch (error) {
      tell({ type: "start_failed", message: messageOf(error) });
    }
  }

  #onReport(report: Report): void {
    if (report.type === "supervisor.gave_up" && report.supervisor === (this.#definition?.name ?? "system")) {
      this.#gaveUp = `${report.because}; last was ${report.offender.path}, ${describeExitReason(report.reason)}`;
    }
    const system = this.#system;
    if (
      system === undefined ||
      report.type !== "child.started" ||
      !report.restarted ||
      report.offender.type !== "supervisor"
    )
      return;
    const { path } = report.offender;
    for (const [where, policy] of this.#set) {
      if (where === path || where.startsWith(`${path}/`)) setPolicy(system, where, policy, "reset");
    }
  }

  #createWatch(): FileWatch {
    return new FileWatch({
      onChange: (files) => this.#happened({ type: "changed", files }),
      onError: (error, folder) => this.#options.tell({ type: "unwatched", folder, message: messageOf(error) }),
      others: (name) => this.#broken && moduleName.test(name),
    });
  }

  #kill(): void {
    void this.#system?.stop({ timeoutMs: 0 });
  }

  #happened(happening: Happening): void {
    this.#happenings.push(happening);
    this.#wake?.();
  }

  async #next(): Promise<Happening> {
    for (;;) {
      const next = this.#happenings.shift();
      if (next !== undefined) return next;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

/** A place that does not run at the moment is given its policy when it does. */
function setPolicy(system: System, path: string, policy: AnyRestartPolicy, state: "keep" | "reset"): void {
  try {
    system.setPolicy(path, policy, { state });
  } catch (error) {
    if (!(error instanceof CallerError && (error.code === "not_found" || error.code === "stopped"))) throw error;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
