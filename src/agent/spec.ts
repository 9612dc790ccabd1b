/** What a caller says of an agent, and its checks. */

import type { StandardSchemaV1 } from "@standard-schema/spec";
import { checkKnownFields, invalidArgument } from "../errors.ts";
import type { AnyRestartPolicy } from "../otp/policy/restart-policy.ts";
import type { RestartType } from "../otp/report/supervisor-report.ts";
import { longestTimerMs } from "../otp/scheduler/clock.ts";
import { checkVariables } from "../python/environment.ts";
import type { UnsafeNumbers } from "../rpc/exact-json.ts";
import { type AgentContract, checkContract } from "./contract.ts";
import { checkEntry } from "./entry.ts";
import { checkInstances, type InstanceLimits, type InstanceOptions } from "./instance-limits.ts";
import { checkRecycle, type RecycleOptions } from "./recycling.ts";
import { checkRetry, type RetryOptions } from "./retry.ts";
import { checkInteger, checkLauncher, checkMemoryLimit, checkPatience } from "./spec-checks.ts";
import { textSchema } from "./text-schema.ts";
import type { Tools } from "./tool.ts";
import { ToolSet } from "./tool-set.ts";

/** How an agent is started, bounded and restarted. */
export interface AgentSpec<Output = unknown> {
  /** Unique in its system. */
  readonly id: string;
  /**
   * Where the pydantic-ai Agent is: "path/to/file.py:attribute" (relative to the system's `python.cwd`) or
   * "package.module:attribute".
   */
  readonly entry: string;
  /** Default "permanent". */
  readonly restart?: RestartType | undefined;
  /**
   * How long the worker has to end when the agent is stopped or restarted, in milliseconds; default 5,000. Its runs may finish, what overstays is
   * cancelled, it cleans up; then it is killed.
   */
  readonly shutdownMs?: number | undefined;
  /** From spawn to ready, in milliseconds; default 30,000. */
  readonly startTimeoutMs?: number | undefined;
  /**
   * How long the worker's event loop may not answer before that is reported and no run is handed to it, in milliseconds; default 5,000. At
   * most `hungAfterMs`.
   */
  readonly unresponsiveAfterMs?: number | undefined;
  /** How long it may not answer without working before the worker is killed as hung, in milliseconds; default 60,000. "infinity": never. */
  readonly hungAfterMs?: number | "infinity" | undefined;
  /**
   * How many workers serve the agent's runs: so many, or as many as its queue asks for. Default: one, without a supervisor of its own. Each is an instance with
   * its own state, "id/1", "id/2", ….
   */
  readonly instances?: number | InstanceOptions | undefined;
  /** Whether one worker more is kept ready, which takes the place of one that crashes; default false. */
  readonly spare?: boolean | undefined;
  /** Runs that a worker holds at a time; default 8. Each instance has so many places. */
  readonly maxConcurrency?: number | undefined;
  /** Runs that wait beyond those; default 1,000. A run over it is rejected with "queue_full". */
  readonly maxQueue?: number | undefined;
  /**
   * How much memory a worker may reserve for itself, in bytes, 128 MiB at least: what is over it raises MemoryError in Python, and the run is rejected as
   * "out_of_memory". Default: no limit. Only on Linux.
   */
  readonly memoryLimitBytes?: number | undefined;
  /** Added to the worker's environment. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /**
   * What every run answers with: "text", or a schema (zod, valibot, arktype, …) that checks it and gives `Output` its type. Without either the output is
   * whatever Python's is: unknown. An agent that never answers so does not start.
   */
  readonly output?: StandardSchemaV1<unknown, Output> | "text" | undefined;
  /** What `synapse typegen` has written of the agent: it gives outputs and deps their types, and an agent that is another does not start. */
  readonly contract?: AgentContract | undefined;
  /**
   * What makes the dependencies of each run, written as `entry` is: a Python function that gets the JSON value of the run's `deps`, and the run. Default: the
   * agent's deps_type is made of the JSON.
   */
  readonly deps?: string | undefined;
  /**
   * Whether a worker may fetch the URLs of images, audio, video and documents by itself, for a model that takes none; default false: such a run is rejected.
   */
  readonly fetchUrls?: boolean | undefined;
  /** Whether its runs may wait, while they live, for answers from outside; default false. A run may say otherwise. */
  readonly mayWait?: boolean | undefined;
  /** What its models may call in this process, beside the Python agent's own tools. A run may have more. */
  readonly tools?: Tools | undefined;
  /**
   * What becomes of a number in an answer that JSON does not hold in JavaScript: an integer beyond ±(2^53 - 1), NaN, an infinity. "string" (default):
   * its text; "bigint": a bigint, and NaN and infinities as JavaScript has them; "error": the run is rejected with "output_invalid".
   */
  readonly unsafeNumbers?: UnsafeNumbers | undefined;
  /** When the worker is replaced by the next one, without a gap; default: never. */
  readonly recycle?: RecycleOptions | undefined;
  /**
   * Whether the worker is replaced by the next one, without a gap, when its entry's file, or a file that it has imported below the system's `python.cwd`,
   * has changed; default false. For development.
   */
  readonly watch?: boolean | undefined;
  /** What becomes of runs whose worker dies; default: they reject with its end. A run may say otherwise. */
  readonly retry?: RetryOptions | undefined;
  /** Asked about this agent's ends before its supervisor's policy, which answers where it passes. */
  readonly policy?: AnyRestartPolicy | undefined;
  /** How workers are started; default "auto": "zygote" on Linux, "spawn" elsewhere. */
  readonly launcher?: "spawn" | "zygote" | "auto" | undefined;
}

/** An agent specification with every default filled in. */
export interface NormalAgentSpec {
  readonly id: string;
  readonly entry: string;
  readonly restart: RestartType;
  readonly shutdownMs: number;
  readonly startTimeoutMs: number;
  readonly unresponsiveAfterMs: number;
  readonly hungAfterMs: number | "infinity";
  /** Undefined: one, without a supervisor of its own. */
  readonly instances: InstanceLimits | undefined;
  /** Undefined: false. */
  readonly spare: boolean | undefined;
  readonly maxConcurrency: number;
  readonly maxQueue: number;
  /** Undefined: no limit. */
  readonly memoryLimitBytes: number | undefined;
  readonly env: Readonly<Record<string, string>>;
  readonly output: StandardSchemaV1 | undefined;
  /** Undefined: none. */
  readonly contract: AgentContract | undefined;
  /** Undefined: the agent's deps_type. */
  readonly deps: string | undefined;
  readonly fetchUrls: boolean;
  readonly mayWait: boolean;
  /** Undefined: none. */
  readonly tools: ToolSet | undefined;
  /** Undefined: its supervisor's alone. */
  readonly policy: AnyRestartPolicy | undefined;
  /** Undefined: "string". */
  readonly unsafeNumbers: UnsafeNumbers | undefined;
  readonly recycle: RecycleOptions | undefined;
  /** Undefined: runs are not tried again. */
  readonly retry: RetryOptions | undefined;
  /** Undefined: false. */
  readonly watch: boolean | undefined;
  readonly launcher: "spawn" | "zygote" | "auto";
}

const unsafeNumberRules: readonly string[] = ["string", "bigint", "error"] satisfies UnsafeNumbers[];

/** The worker is killed after its own grace; the supervisor's kill is behind that, for an agent that does not answer. */
const killMarginMs = 1_000;

const known = new Set([
  "id",
  "entry",
  "restart",
  "shutdownMs",
  "startTimeoutMs",
  "unresponsiveAfterMs",
  "hungAfterMs",
  "instances",
  "spare",
  "maxConcurrency",
  "maxQueue",
  "memoryLimitBytes",
  "env",
  "output",
  "contract",
  "deps",
  "fetchUrls",
  "mayWait",
  "tools",
  "unsafeNumbers",
  "recycle",
  "watch",
  "retry",
  "policy",
  "launcher",
]);

/**
 * Checks a specification and fills in its defaults; the restart type is checked as part of the child specification.
 * @throws CallerError "invalid_argument" naming the field, the value and the rule
 */
export function normalizeAgentSpec<Output>(spec: AgentSpec<Output>): NormalAgentSpec {
  if (typeof spec !== "object" || spec === null) throw invalidArgument("spec", spec, "an agent spec");
  checkKnownFields("spec", spec, known);
  const { contract } = spec;
  if (contract !== undefined) checkContract("spec.contract", contract);
  const {
    id,
    entry = contract?.entry as string,
    shutdownMs = 5_000,
    startTimeoutMs = 30_000,
    maxConcurrency = 8,
    maxQueue = 1_000,
  } = spec;
  const { unresponsiveAfterMs = 5_000, hungAfterMs = 60_000 } = spec;
  const {
    env = {},
    output,
    unsafeNumbers,
    recycle,
    watch,
    retry,
    launcher = "auto",
    instances,
    spare,
    memoryLimitBytes,
  } = spec;
  if (typeof id !== "string" || id === "") throw invalidArgument("spec.id", id, "a non-empty string");
  checkEntry("spec.entry", entry, ` (agent "${id}")`);
  const { deps = contract?.depsFactory, fetchUrls = false, mayWait = false } = spec;
  if (deps !== undefined) checkEntry("spec.deps", deps, ` (agent "${id}")`);
  if (typeof fetchUrls !== "boolean") throw invalidArgument("spec.fetchUrls", fetchUrls, `a boolean (agent "${id}")`);
  if (typeof mayWait !== "boolean") throw invalidArgument("spec.mayWait", mayWait, `a boolean (agent "${id}")`);
  checkInteger("spec.shutdownMs", shutdownMs, 0, id);
  checkInteger("spec.startTimeoutMs", startTimeoutMs, 1, id);
  checkInteger("spec.unresponsiveAfterMs", unresponsiveAfterMs, 1, id);
  checkPatience("spec.hungAfterMs", hungAfterMs, id);
  checkInteger("spec.maxConcurrency", maxConcurrency, 1, id);
  checkInteger("spec.maxQueue", maxQueue, 0, id);
  if (memoryLimitBytes !== undefined) checkMemoryLimit("spec.memoryLimitBytes", memoryLimitBytes, id);
  checkVariables("spec.env", env, ` (agent "${id}")`);
  if (output !== undefined && output !== "text" && typeof output?.["~standard"]?.validate !== "function") {
    throw invalidArgument(
      "spec.output",
      output,
      `"text", or a Standard Schema such as zod's or valibot's (agent "${id}")`,
    );
  }
  if (unsafeNumbers !== undefined && !unsafeNumberRules.includes(unsafeNumbers)) {
    throw invalidArgument("spec.unsafeNumbers", unsafeNumbers, `"string", "bigint" or "error" (agent "${id}")`);
  }
  checkRetry("spec.retry", retry);
  if (watch !== undefined && typeof watch !== "boolean") {
    throw invalidArgument("spec.watch", watch, `a boolean (agent "${id}")`);
  }
  if (spare !== undefined && typeof spare !== "boolean")
    throw invalidArgument("spec.spare", spare, `a boolean (agent "${id}")`);
  checkLauncher(launcher, id);
  const { restart = "permanent" } = spec;
  return {
    id,
    entry,
    restart,
    shutdownMs,
    policy: spec.policy,
    startTimeoutMs,
    unresponsiveAfterMs: hungAfterMs === "infinity" ? unresponsiveAfterMs : Math.min(unresponsiveAfterMs, hungAfterMs),
    hungAfterMs,
    // A spare stands beside instances, also where there is one.
    instances:
      instances === undefined && spare !== true
        ? undefined
        : checkInstances(instances === undefined ? 1 : instances, id),
    spare,
    maxConcurrency,
    maxQueue,
    memoryLimitBytes,
    env: { ...env },
    launcher,
    output: output === "text" ? textSchema : output,
    contract,
    deps,
    fetchUrls,
    mayWait,
    tools: ToolSet.of("spec.tools", spec.tools),
    unsafeNumbers,
    recycle: recycle === undefined ? undefined : checkRecycle(recycle, id),
    watch,
    retry: retry === undefined ? undefined : { ...retry },
  };
}

/** When the supervisor of an agent, or of an instance, kills it: after `shutdownMs`, in which it kills its worker itself. */
export function slotShutdownMs({ shutdownMs }: NormalAgentSpec): number {
  return Math.min(shutdownMs + killMarginMs, longestTimerMs);
}
