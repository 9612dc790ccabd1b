/** The border between an agent and its handle: what the handle asks of it. */

import type { CrashRecord } from "../crash.ts";
import type { SynapseError } from "../errors.ts";
import type { AgentClient } from "../rpc/agent-client.ts";
import type { HealthSource } from "./agent-health.ts";
import type { RunProgress } from "./carriage.ts";
import type { Conversations } from "./conversations.ts";
import type { InstanceInfo } from "./instance-info.ts";
import type { AgentState } from "./machine.ts";
import type { PendingRun } from "./pending-run.ts";
import type { RestartOptions } from "./restart-options.ts";
import type { RunStarter } from "./start-run.ts";

/** How a wait may be ended early. */
export interface WaitOptions {
  signal?: AbortSignal | undefined;
  /** Milliseconds, 1 to 2,147,483,647; default: no limit. */
  timeoutMs?: number | undefined;
}

/** Where an agent's runs are handed in. */
export interface RunTaker extends RunStarter {
  /** Those that it knows of. */
  readonly conversations: Conversations;
  /** Runs that wait. */
  readonly queueLength: number;
  /** Runs that work in the worker. */
  readonly inFlight: number;
  /** How far those have come, oldest first. */
  readonly progress: readonly RunProgress[];
  /** The error for a call to an agent that has stopped; undefined while it accepts runs. */
  refusal(): SynapseError | undefined;
  /**
   * Takes a run: it is handed to the worker at once, or waits.
   * @throws CallerError "queue_full" or "stopped"; WorkerError when the agent has stopped because of a crash
   */
  accept(run: PendingRun): void;
}

/** The agent as its handle sees it. */
export interface HandleOwner extends HealthSource {
  readonly agentId: string;
  readonly state: AgentState;
  readonly incarnation: number;
  readonly pid: number | undefined;
  readonly lastCrash: CrashRecord | undefined;
  readonly runs: RunTaker;
  /** The connection to a worker that serves now, and its number. */
  readonly serving: { readonly client: AgentClient; readonly incarnation: number } | undefined;
  readonly instances: readonly InstanceInfo[];
  /** Somebody waits for a worker: an agent that has none, because no run wants one, gets one. */
  wake(): void;
  /** Settles when a worker serves; rejects when the agent stops first. */
  readonly ready: Promise<void>;
  /** Asks for a fresh worker; settles when it serves. */
  restart(options: RestartOptions): Promise<void>;
  /** Stops the agent, so that it is not restarted. Settles when it has ended, whoever asked first. */
  stop(): Promise<void>;
  /** Kills its worker; its process id, where there was one. */
  kill(): number | undefined;
}
