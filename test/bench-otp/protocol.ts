/**
 * What a benchmark asks a subject: every subject is a program of its own, so that no one's garbage, timers or compiled code are in another's
 * figures. A request is a line `<measure> <size> …`; the answer is `ok <figure> …`, `none` (the subject has no such thing, or it would take
 * minutes) or `error <text>`. The first line of a program is `ready <version>`.
 */

/** A subject that works as a program of this package. */
export interface Subject {
  /** Of the package that is measured. */
  readonly version: string;
  readonly measures: Measures;
}

/** Figures of one measure; undefined when the subject has no such thing. */
export type Figures = readonly number[] | undefined;

/** The measures. All sizes are integers of 0 or more. */
export interface Measures {
  /** Requests that wait for their replies, one at a time: [a second]. */
  call(calls: number): Promise<Figures>;
  /** Messages without reply, the last one handled: [a second]. */
  cast(casts: number): Promise<Figures>;
  /** Servers started one after another, then stopped: [started a second, stopped a second]. */
  spawn(count: number): Promise<Figures>;
  /**
   * Crashes of children under a supervisor of named children, in waves of one for every child at most: [restarts a second]. The garbage of the
   * start is collected before.
   */
  restart(children: number, crashes: number): Promise<Figures>;
  /** The same under a dynamic supervisor. */
  restartDynamic(children: number, crashes: number): Promise<Figures>;
  /** A supervisor with all its children, started and stopped in order: [µs to start one child, µs to stop one]. */
  startStop(children: number, repeats: number): Promise<Figures>;
  /** Servers that are started and stopped, each before the next: [µs a server]. */
  oneByOne(count: number): Promise<Figures>;
  /** Idle servers that have handled one message: [bytes a server]. */
  heap(count: number): Promise<Figures>;
  /** Machines that each wait for a timer of their own, started and stopped while others' timers wait: [µs a machine]. */
  timers(pending: number, count: number): Promise<Figures>;
  /** Runs that an agent's machine is told of while somebody looks, by number: [events a second]. */
  inspected(looker: number, runs: number): Promise<Figures>;
}

/** Name of a measure. */
export type MeasureName = keyof Measures;
