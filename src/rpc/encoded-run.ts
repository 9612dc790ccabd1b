/** A run's request as it crosses the wire. What its caller gave is taken when it is encoded: what the caller changes afterwards is not seen. */

import { createHash } from "node:crypto";
import { clone, toBinary } from "@bufbuild/protobuf";
import { type RunRequest, RunRequestSchema } from "../gen/synapse_otp/v1/agent_pb.ts";

/** An encoded request. An attempt adds whom it is for and how much time is left. */
export class EncodedRun {
  readonly message: RunRequest;
  /** Headers of its calls: what a tracer gives along. */
  headers: Readonly<Record<string, string>> = {};

  readonly #ownModel: string;

  constructor(message: RunRequest) {
    this.message = message;
    this.#ownModel = message.model;
  }

  get agentId(): string {
    return this.message.agentId;
  }

  get runId(): string {
    return this.message.runId;
  }

  get attempt(): number {
    return this.message.attempt;
  }

  /** The next time that it is sent is another attempt. */
  countAttempt(): void {
    this.message.attempt += 1;
  }

  /** The same for every run of this agent with this prompt and these options, and it does not tell them: 16 hex digits. */
  get fingerprint(): string {
    const asked = clone(RunRequestSchema, this.message);
    const model = this.#ownModel;
    Object.assign(asked, { runId: "", attempt: 0, incarnation: 0, stream: undefined, deadlineUnixMs: 0n, model });
    delete asked.timeLeftMs;
    return createHash("sha256").update(toBinary(RunRequestSchema, asked)).digest("hex").slice(0, 16);
  }

  /**
   * Says which incarnation is meant, and how long the run has from now on, in whole milliseconds; undefined: as long as it takes.
   * @param model in place of the one that was asked for
   */
  address(incarnation: number, timeLeftMs: number | undefined, model?: string): void {
    this.message.incarnation = incarnation;
    this.message.model = model ?? this.#ownModel;
    if (timeLeftMs === undefined) delete this.message.timeLeftMs;
    else this.message.timeLeftMs = BigInt(timeLeftMs);
  }
}

/** A run as error messages name it. */
export function describeRun({ runId, agentId }: { readonly runId: string; readonly agentId: string }): string {
  return `run "${runId}" of agent "${agentId}"`;
}
