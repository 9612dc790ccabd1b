/** A front end as a fake worker answers it: the texts of an answer in the few events of its protocol that every client knows. */

import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  FrontendEnd,
  FrontendProtocol,
  type FrontendTextSchema,
  type RunRequest,
} from "../gen/synapse_otp/v1/agent_pb.ts";

/** What a fake agent is told of the request. */
export interface FakeFrontend {
  readonly protocol: "vercel-ai" | "ag-ui";
  /** The body's JSON. */
  readonly body: unknown;
}

/** The request of a front end that a run answers; undefined for any other. */
export function frontendOf({ frontend }: RunRequest): FakeFrontend | undefined {
  if (frontend === undefined) return undefined;
  const protocol = frontend.protocol === FrontendProtocol.AG_UI ? "ag-ui" : "vercel-ai";
  return { protocol, body: JSON.parse(Buffer.from(frontend.body).toString("utf8")) };
}

/** The text of the last message. */
export function promptOf({ body }: FakeFrontend): string {
  const { messages = [] } = body as {
    messages?: readonly { content?: unknown; parts?: readonly { text?: string }[] }[];
  };
  const last = messages.at(-1);
  if (typeof last?.content === "string") return last.content;
  return last?.parts?.map(({ text = "" }) => text).join("") ?? "";
}

type Text = MessageInitShape<typeof FrontendTextSchema>;

/** The texts before the first piece of an answer, for a piece, and after the last one. */
export interface FakeProtocol {
  begin(): Text[];
  piece(delta: string): Text[];
  end(): Text[];
}

const messageId = "fake-message";

/** How an answer to a front end is told. */
export function fakeProtocol({ protocol, body }: FakeFrontend): FakeProtocol {
  if (protocol === "vercel-ai") {
    return {
      begin: () => texts({ type: "start" }, { type: "text-start", id: messageId }),
      piece: (delta) => texts({ type: "text-delta", delta, id: messageId }),
      end: () => [
        ...texts({ type: "text-end", id: messageId }),
        ...texts({ type: "finish" }, "[DONE]").map((text) => ({ ...text, end: FrontendEnd.COMPLETED })),
      ],
    };
  }
  const { threadId, runId } = body as { threadId?: string; runId?: string };
  return {
    begin: () =>
      texts({ type: "RUN_STARTED", threadId, runId }, { type: "TEXT_MESSAGE_START", messageId, role: "assistant" }),
    piece: (delta) => texts({ type: "TEXT_MESSAGE_CONTENT", messageId, delta }),
    end: () => [
      ...texts({ type: "TEXT_MESSAGE_END", messageId }),
      ...texts({ type: "RUN_FINISHED", threadId, runId }).map((text) => ({ ...text, end: FrontendEnd.COMPLETED })),
    ],
  };
}

function texts(...events: (object | string)[]): Text[] {
  return events.map((event) => ({ text: `data: ${typeof event === "string" ? event : JSON.stringify(event)}\n\n` }));
}
