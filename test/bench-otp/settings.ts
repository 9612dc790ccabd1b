/** How much is measured. */

/** The sizes of one benchmark. */
export interface BenchSettings {
  /** Rounds that count; every subject is measured once a round, in rotating order. One more round comes before them and does not count. */
  readonly rounds: number;
  /** Round trips, one at a time. */
  readonly calls: number;
  readonly casts: number;
  /** Processes started one after another, without a supervisor. */
  readonly spawns: number;
  /** Children of a supervisor while some of them crash. */
  readonly restartChildren: readonly number[];
  /** Crashes of one measure of restarts. */
  readonly crashes: number;
  /** Children of the supervisors that start and stop: their costs for each child are compared. */
  readonly fewChildren: number;
  /** How many small supervisors are started and stopped for one measure. */
  readonly fewRepeats: number;
  readonly manyChildren: number;
  /** Idle processes whose heap is measured. */
  readonly idleProcesses: number;
  /** Timers that wait while processes are started and stopped. */
  readonly pendingTimers: number;
  /** Processes started and stopped beside them. */
  readonly timedProcesses: number;
  /** Runs of an agent's machine while somebody looks. */
  readonly inspectedRuns: number;
}

/** Two to four minutes on two cores. */
export const fullSettings: BenchSettings = {
  rounds: 5,
  calls: 200_000,
  casts: 300_000,
  spawns: 20_000,
  restartChildren: [100, 1_000, 10_000, 50_000],
  crashes: 2_000,
  fewChildren: 1_000,
  fewRepeats: 20,
  manyChildren: 100_000,
  idleProcesses: 50_000,
  pendingTimers: 50_000,
  timedProcesses: 5_000,
  inspectedRuns: 200_000,
};

/** Seconds: shows that everything works; its figures mean nothing. */
export const quickSettings: BenchSettings = {
  rounds: 1,
  calls: 200,
  casts: 200,
  spawns: 50,
  restartChildren: [10, 40],
  crashes: 50,
  fewChildren: 10,
  fewRepeats: 2,
  manyChildren: 100,
  idleProcesses: 100,
  pendingTimers: 100,
  timedProcesses: 20,
  inspectedRuns: 200,
};
