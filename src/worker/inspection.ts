/** What can be seen of a worker that lives without its doing: what it uses, and where it stands. */

import type { Clock } from "./clock.ts";
import { FaultTrace } from "./fault-trace.ts";
import { tasksLine } from "./handshake.ts";
import type { WorkerUsage } from "./launcher.ts";
import { OomKills, oomKillCounter } from "./out-of-memory.ts";
import { processUsage } from "./process-usage.ts";
import { StackLines } from "./stack-lines.ts";

/** The inspection of one process, until it is reaped. */
export class Inspection {
  readonly #pid: number;
  readonly #askForStacks: () => void;
  readonly #stacks: StackLines;
  readonly #fault = new FaultTrace();
  readonly #oomKills: OomKills;
  #answersSignal = false;
  #ended = false;
  #peakMemoryBytes: number | undefined;

  /** @param askForStacks sends the process SIGUSR1 */
  constructor(pid: number, clock: Clock, askForStacks: () => void) {
    this.#pid = pid;
    this.#askForStacks = askForStacks;
    this.#stacks = new StackLines(clock);
    this.#oomKills = new OomKills(() => oomKillCounter(pid));
  }

  /** The most memory that it was seen to have had, in bytes; undefined when that is not known. */
  get peakMemoryBytes(): number | undefined {
    return this.#peakMemoryBytes;
  }

  /** What the fault handler has said of its crash; undefined when it said nothing. */
  get faultTrace(): readonly string[] | undefined {
    return this.#fault.lines;
  }

  /** Whether the kernel has killed something of its cgroup, for want of memory, since it was last looked at. */
  get oomKilled(): boolean {
    return this.#oomKills.rose();
  }

  /** It has said that it answers SIGUSR1 with its stacks. */
  allowSignal(): void {
    this.#answersSignal = true;
  }

  /** What it uses now; undefined when it is gone or that cannot be told. */
  usage(): WorkerUsage | undefined {
    if (this.#ended) return undefined;
    const usage = processUsage(this.#pid);
    if (usage !== undefined) this.#oomKills.look();
    this.#peakMemoryBytes = usage?.peakMemoryBytes ?? this.#peakMemoryBytes;
    return usage;
  }

  /** Asks for the stacks of its threads and tasks. A process that is stopped would hear of it only later. Never rejects. */
  async dumpStacks(send: (line: string) => void): Promise<readonly string[]> {
    if (!this.#answersSignal || this.#ended || this.usage()?.stopped === true) return [];
    return this.#stacks.collect(() => {
      this.#askForStacks();
      send(tasksLine());
    });
  }

  /** Asks for the stacks of its threads, to be read as any other line of its stderr. */
  spillStacks(): void {
    if (this.#answersSignal && !this.#ended) this.#askForStacks();
  }

  /** Takes a line of its stderr; false when it is none of stacks that are awaited. */
  take(line: string): boolean {
    this.#fault.note(line);
    return this.#stacks.take(line);
  }

  /** It has told its tasks. */
  takeTasks(tasks: readonly string[]): void {
    this.#stacks.takeTasks(tasks);
  }

  /** It is reaped: its number may be a stranger's. */
  end(): void {
    this.#ended = true;
    this.#stacks.end();
  }
}
