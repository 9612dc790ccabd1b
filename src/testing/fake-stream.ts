/** What a fake worker tells of a run, in the order in which it tells it. */

import type { MessageInitShape } from "@bufbuild/protobuf";
import type { RunResponseChunkSchema } from "../gen/synapse_otp/v1/agent_pb.ts";
import { fakeProtocol } from "./fake-frontend.ts";
import { encode } from "./fake-response.ts";
import type { FakeReply, FakeRun } from "./fake-run.ts";

type Chunk = MessageInitShape<typeof RunResponseChunkSchema>;

/** An event without the numbers of its run. */
export type FakeEvent = Pick<Chunk, "data" | "event">;

/** How a reply is read. */
export interface FakeReader {
  /** The pieces, until the call is cancelled. */
  pieces<T>(source: Iterable<T> | AsyncIterable<T>): AsyncIterable<T>;
  /** The output of a reply, when all of it is there. */
  settle(reply: FakeReply): Promise<unknown>;
}

/** The events of a reply; returns its output. */
export async function* eventsOf(run: FakeRun, reply: FakeReply, read: FakeReader): AsyncGenerator<FakeEvent, unknown> {
  if (run.frontend !== undefined) return yield* answerTo(run.frontend, reply, read);
  if (typeof reply === "object" && "chunks" in reply) {
    let output = "";
    for await (const text of read.pieces(reply.chunks)) {
      output += text;
      yield { event: { case: "textDelta", value: { partIndex: 0 } }, data: text };
    }
    return output;
  }
  if (typeof reply === "object" && "output" in reply) {
    for await (const partial of read.pieces(reply.partial ?? [])) {
      yield { event: { case: "partialOutputJson", value: encode(partial) } };
    }
  } else if (typeof reply === "string" && reply !== "") {
    yield { event: { case: "textDelta", value: { partIndex: 0 } }, data: reply };
  }
  return await read.settle(reply);
}

async function* answerTo(
  frontend: FakeRun["frontend"] & object,
  reply: FakeReply,
  read: FakeReader,
): AsyncGenerator<FakeEvent, unknown> {
  const told = fakeProtocol(frontend);
  const tell = (texts: ReturnType<typeof told.begin>): FakeEvent[] =>
    texts.map((value) => ({ event: { case: "frontendText", value } }));
  yield* tell(told.begin());
  let output: unknown = "";
  if (typeof reply === "object" && "chunks" in reply) {
    for await (const text of read.pieces(reply.chunks)) {
      output += text;
      yield* tell(told.piece(text));
    }
  } else {
    output = await read.settle(reply);
    if (typeof output === "string" && output !== "") yield* tell(told.piece(output));
  }
  yield* tell(told.end());
  return output;
}
