/** A tree made from a plan, a schedule carried out on it, and the rules that must hold at every step. */

import { self as runningProcess } from "../../src/otp/process/current.ts";
import { exit } from "../../src/otp/process/link.ts";
import type { Process, Runtime } from "../../src/otp/process/process.ts";
import { LocalRuntime } from "../../src/otp/process/runtime.ts";
import type { SupervisorReport } from "../../src/otp/report/supervisor-report.ts";
import { send } from "../../src/otp/request/call.ts";
import { fromGenServer } from "../../src/otp/server/gen-server.ts";
import type { ChildSpec } from "../../src/otp/supervisor/child-spec.ts";
import type { SupervisorCore } from "../../src/otp/supervisor/core.ts";
import { DynamicSupervisor } from "../../src/otp/supervisor/dynamic.ts";
import { defineDynamicSupervisor, defineSupervisor, startSupervisor } from "../../src/otp/supervisor/start.ts";
import { Supervisor } from "../../src/otp/supervisor/supervisor.ts";
import { createVirtualClock } from "../../src/testing/virtual-clock.ts";
import type { StartOutcome, Step, TreePlan, WorkerPlan } from "./tree-plan.ts";

/** Carries a schedule out on a tree and stops it. Answers the rules that were broken, as sentences; none when all is well. */
export async function crashTree(plan: TreePlan, steps: readonly Step[]): Promise<string[]> {
  const run = new TreeRun(plan);
  await run.start();
  for (const step of steps) {
    await run.carryOut(step);
    run.check(step.do);
  }
  await run.finish();
  return run.broken;
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

class TreeRun {
  readonly broken: string[] = [];
  readonly #clock = createVirtualClock();
  readonly #runtime: Runtime;
  /** Live workers. */
  readonly #live = new Set<Process>();
  /** The newest incarnation of each worker of the plan. */
  readonly #incarnations = new Map<WorkerPlan, Process>();
  readonly #limits = new Map<string, { maxRestarts: number; periodMs: number; stamps: number[] }>();
  /** Promises of the calls made, until they settle. */
  readonly #open = new Set<string>();
  /** Children that are being stopped by request. */
  readonly #requested = new Set<string>();
  /** Starts that will never settle: only a kill ends what waits for them. */
  readonly #hanging = new Set<Process>();
  readonly #root: TreePlan;
  #supervisor: Supervisor | undefined;
  #calls = 0;

  constructor(plan: TreePlan) {
    this.#root = plan;
    this.#runtime = new LocalRuntime({
      clock: this.#clock,
      onReport: (report) => this.#reported(report as SupervisorReport),
    });
  }

  async start(): Promise<void> {
    const { strategy, maxRestarts, periodMs } = this.#root;
    const children = this.#specs(this.#root, "supervisor");
    const started = startSupervisor({ strategy, maxRestarts, periodMs, children }, { runtime: this.#runtime }).then(
      (supervisor) => {
        this.#supervisor = supervisor;
      },
    );
    this.#track("start of the tree", started);
    await this.#drive(() => this.#open.size === 0, "the start of the tree settles");
  }

  async carryOut(step: Step): Promise<void> {
    switch (step.do) {
      case "settle":
        await turn();
        await turn();
        return;
      case "advance":
        this.#clock.advance(step.ms);
        await turn();
        return;
      case "end":
        return this.#onWorker(step.pick, (worker) => send(worker, { type: "end", reason: step.reason }));
      case "kill":
        return this.#onWorker(step.pick, (worker) => exit(worker, "kill"));
      case "killSupervisor":
        return this.#onSupervisor(step.pick, (supervisor) => {
          if (step.bySignal) exit(supervisor.process, "kill");
          else supervisor.kill();
        });
      case "startChild":
        return this.#onSupervisor(step.pick, (supervisor) => {
          this.#calls += 1;
          const id = `added ${this.#calls}`;
          const spec = this.#workerSpec(step.worker, id, `${supervisor.path}/${id}`);
          this.#track(`startChild ${id}`, (supervisor as Supervisor).startChild(spec));
        });
      default:
        return this.#onSupervisor(step.pick, (supervisor) => this.#administrate(step, supervisor));
    }
  }

  /** Everything that must hold at any moment. */
  check(when: string): void {
    const { names } = this.#runtime;
    for (const [name, holder] of names)
      this.#require(holder.alive, `after ${when} the name ${name} is held by the dead`);
    for (const worker of this.#live) {
      if (worker.name !== undefined) this.#require(names.get(worker.name) === worker, `${worker} has lost its name`);
      const { parent } = worker;
      const cared = worker.status === "exiting" || worker.queueLength > 0 || parent?.alive === true;
      this.#require(cared, `after ${when} ${worker} lives, its supervisor does not`);
    }
  }

  async finish(): Promise<void> {
    const supervisor = this.#supervisor;
    if (supervisor !== undefined) {
      this.#track("end of the tree", supervisor.ended);
      if (this.#hanging.size > 0) exit(supervisor.process, "kill");
      else this.#track("stop of the tree", supervisor.stop());
      // An orderly stop may start what hangs before it has its turn.
      await this.#drive(() => this.#open.size === 0 || this.#hanging.size > 0, "the stop of the tree settles");
      if (this.#hanging.size > 0) exit(supervisor.process, "kill");
    }
    await this.#drive(() => this.#open.size === 0, `every promise settles: ${[...this.#open].join(", ")}`);
    await this.#drive(() => this.#runtime.processCount === 0, "nothing is alive after the stop");
    this.check("the stop");
    this.#require(this.#runtime.names.size === 0, "no name is left after the stop");
    this.#require(this.#live.size === 0, "no worker is left after the stop");
    // What an init or a hook of these workers still waits for is theirs; a supervisor leaves no timer.
    this.#clock.advance(1_000);
    await turn();
    this.#require(this.#clock.pending === 0, `no timer is left after the stop, there are ${this.#clock.pending}`);
  }

  #require(holds: boolean, rule: string): void {
    if (!holds && !this.broken.includes(rule)) this.broken.push(rule);
  }

  /** Lets time pass until `done`; what takes more than a minute of it never happens. */
  async #drive(done: () => boolean, what: string): Promise<void> {
    for (let round = 0; round < 2_400 && !done(); round += 1) {
      await turn();
      if (!done()) this.#clock.advance(25);
    }
    this.#require(done(), `never: ${what}`);
  }

  #track(what: string, promise: Promise<unknown>): void {
    this.#open.add(what);
    const settled = () => void this.#open.delete(what);
    promise.then(settled, settled);
  }

  #onWorker(pick: number, act: (worker: Process) => void): void {
    const workers = [...this.#live];
    const worker = workers[pick % Math.max(1, workers.length)];
    if (worker !== undefined) act(worker);
  }

  #onSupervisor(pick: number, act: (supervisor: SupervisorCore) => void): void {
    const found: SupervisorCore[] = [];
    const visit = (supervisor: SupervisorCore | undefined): void => {
      if (!(supervisor instanceof Supervisor || supervisor instanceof DynamicSupervisor)) return;
      found.push(supervisor);
      for (const { ref } of supervisor.whichChildren()) visit(ref as SupervisorCore);
    };
    visit(this.#supervisor);
    const supervisor = found[pick % Math.max(1, found.length)];
    if (supervisor !== undefined) act(supervisor);
  }

  #administrate(step: Step & { child: number }, supervisor: SupervisorCore): void {
    this.#calls += 1;
    const children = (supervisor as Supervisor).whichChildren();
    const child = children[step.child % Math.max(1, children.length)];
    if (child === undefined) return;
    const what = `${step.do} ${this.#calls}`;
    if (supervisor instanceof DynamicSupervisor) {
      if (step.do === "terminateChild") this.#track(what, supervisor.terminateChild(child.ref));
      return;
    }
    const { id } = child as { id: string };
    const path = `${supervisor.path}/${id}`;
    const of = supervisor as Supervisor;
    if (step.do === "restartChild") this.#track(what, of.restartChild(id));
    if (step.do === "deleteChild") this.#track(what, of.deleteChild(id));
    if (step.do !== "terminateChild") return;
    this.#requested.add(path);
    const settled = () => void this.#requested.delete(path);
    const stopped = of.terminateChild(id);
    stopped.then(settled, settled);
    this.#track(what, stopped);
  }

  #specs(plan: TreePlan, path: string): ChildSpec[] {
    this.#limits.set(path, { maxRestarts: plan.maxRestarts, periodMs: plan.periodMs, stamps: [] });
    return plan.children.map((child, index) => {
      const id = `${child.kind[0]}${index}`;
      const childPath = `${path}/${id}`;
      if (child.kind === "worker") return this.#workerSpec(child, id, childPath);
      const { strategy, maxRestarts, periodMs, restart } = child;
      const children = this.#specs(child, childPath);
      if (child.kind === "dynamic") return defineDynamicSupervisor({ id, maxRestarts, periodMs, restart });
      return defineSupervisor({ id, strategy, maxRestarts, periodMs, restart, children });
    });
  }

  #workerSpec(plan: WorkerPlan, id: string, path: string): ChildSpec {
    const { restart, shutdownMs } = plan;
    const name = plan.named ? { name: path } : {};
    return { id, restart, shutdownMs, logic: this.#workerLogic(plan, path), ...name };
  }

  #workerLogic(plan: WorkerPlan, path: string) {
    let starts = 0;
    const wait = (ms: number) => new Promise<void>((resolve) => void this.#clock.setTimeout(resolve, ms));
    const begun = (how: StartOutcome, self: Process) => {
      if (how === "fail") throw new Error(`start of ${path} fails`);
      return how === "ignore" ? ({ ignore: true } as const) : { state: self };
    };
    const ending = new WeakSet<Process>();
    return fromGenServer<Process, unknown>({
      trapExit: plan.traps,
      init: () => {
        const self = runningProcess();
        const before = this.#incarnations.get(plan);
        this.#require(before === undefined || !before.alive, `${path} runs twice`);
        if (plan.named) this.#require(this.#runtime.names.get(path) === self, `${path} begins without its name`);
        this.#incarnations.set(plan, self);
        this.#live.add(self);
        const how = plan.starts[starts] ?? "run";
        starts += 1;
        self.addExitHook(() => {
          this.#live.delete(self);
          this.#hanging.delete(self);
        });
        if (how === "hang") {
          this.#hanging.add(self);
          return new Promise<never>(() => undefined);
        }
        return plan.startMs === 0 ? begun(how, self) : wait(plan.startMs).then(() => begun(how, self));
      },
      handleInfo: (message, self) => {
        const { type, reason } = message as { type: string; reason: string };
        if (type !== "end") return { noreply: true };
        ending.add(self);
        return { stop: reason };
      },
      terminate: (_reason, self): void | Promise<void> => {
        if (!ending.has(self)) this.#checkOrder(self, path);
        if (Number.isFinite(plan.stopMs)) return plan.stopMs > 0 ? wait(plan.stopMs) : undefined;
        if (typeof plan.shutdownMs === "number") return new Promise<never>(() => undefined);
      },
    });
  }

  /** A supervisor that ends asks a child to stop only when all that were started after it are gone. */
  #checkOrder(worker: Process, path: string): void {
    const supervisor = worker.parent?.behaviour;
    if (!(supervisor instanceof Supervisor) || supervisor.process.status !== "exiting") return;
    if (this.#requested.has(path)) return;
    for (const { ref } of supervisor.whichChildren()) {
      if (ref === worker) return;
      const process = (ref as { process?: Process } | undefined)?.process ?? (ref as Process | undefined);
      this.#require(process?.alive !== true, `${path} is asked to stop before ${process}, which was started later`);
    }
  }

  /** At most `maxRestarts` restarts in any window of `periodMs`. */
  #reported(report: SupervisorReport): void {
    const limit = this.#limits.get(report.supervisor);
    if (limit === undefined) return;
    if (report.type === "supervisor.stopped") limit.stamps.length = 0;
    if (report.type !== "child.exited" || report.decision.type !== "restart") return;
    limit.stamps.push(report.atMs);
    const inWindow = limit.stamps.filter((stamp) => stamp >= report.atMs - limit.periodMs);
    this.#require(inWindow.length <= limit.maxRestarts, `${report.supervisor} restarts more often than it may`);
  }
}
