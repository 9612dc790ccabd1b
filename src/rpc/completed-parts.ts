/** The answer of a stream that is larger than one message may be: it comes in pieces, which are put together here. */

import { fromBinary } from "@bufbuild/protobuf";
import { type RunResponseChunk, RunResponseSchema } from "../gen/synapse_otp/v1/agent_pb.ts";
import { type Call, factsOf } from "./call.ts";
import { protocolViolation } from "./json.ts";

/** The pieces of one stream's answer. */
export class CompletedParts {
  #parts: Uint8Array[] = [];

  /**
   * A chunk as it would be if there were no limit; undefined for a piece.
   * @throws RunError "protocol_violation" when the pieces are no answer
   */
  take(chunk: RunResponseChunk, call: Call): RunResponseChunk | undefined {
    const { event } = chunk;
    if (event.case === "completedPart") {
      this.#parts.push(event.value);
      return undefined;
    }
    if (event.case !== "completed" || this.#parts.length === 0) return chunk;
    try {
      const value = fromBinary(RunResponseSchema, Buffer.concat(this.#parts));
      this.#parts = [];
      return { ...chunk, event: { case: "completed", value } };
    } catch (error) {
      throw protocolViolation("sent an answer in pieces that do not fit together", { ...factsOf(call), cause: error });
    }
  }
}
