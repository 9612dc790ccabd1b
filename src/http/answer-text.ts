/** The events of a run as the text of an event stream: what the worker has written, with the number of each event, and an end where the worker could write none. */

import type { SynapseError } from "../errors.ts";
import type { FrontendProtocol } from "../rpc/run-types.ts";
import { sentenceOf } from "./refusal.ts";

/** An event of a run, as far as its answer is told of it. */
export type AnswerEvent =
  | {
      readonly type: "text";
      readonly seq: number;
      readonly text: string;
      readonly end: "completed" | "failed" | undefined;
    }
  | { readonly type: "completed"; readonly seq: number }
  | { readonly type: "failed"; readonly seq: number; readonly error: SynapseError }
  | { readonly type: "cancelled"; readonly seq: number }
  | { readonly type: "other"; readonly seq: number };

/** Makes the text of one answer. */
export class AnswerText {
  readonly #protocol: FrontendProtocol;
  readonly #runId: string;
  /** What tells that the run has ended well: it is told when the host has the end, too. */
  #held = "";
  /** Whether the worker has told how the run has ended. */
  #closed = false;

  constructor(protocol: FrontendProtocol, runId: string) {
    this.#protocol = protocol;
    this.#runId = runId;
  }

  /** An event that the client has already. */
  skip(event: AnswerEvent): void {
    if (event.type === "text" && event.end === "failed") this.#closed = true;
  }

  /** The text to send now; empty: none. */
  take(event: AnswerEvent): string {
    switch (event.type) {
      case "text":
        return this.#takeText(event);
      case "completed":
        return this.#held;
      case "failed":
        return this.#closed ? "" : this.#number(event.seq, failure(this.#protocol, event.error));
      case "cancelled":
        return this.#closed ? "" : this.#number(event.seq, cancellation(this.#protocol));
      case "other":
        return "";
    }
  }

  /** The end for a client that cannot be given the rest. */
  giveUp(error: SynapseError): string {
    return failure(this.#protocol, error);
  }

  #takeText({ seq, text, end }: Extract<AnswerEvent, { type: "text" }>): string {
    const numbered = this.#number(seq, text);
    if (end === "completed") {
      this.#held += numbered;
      return "";
    }
    if (end === "failed") this.#closed = true;
    return numbered;
  }

  #number(seq: number, text: string): string {
    return `id: ${eventId(this.#runId, seq)}\n${text}`;
  }
}

/** How an event of an answer is named, for `Last-Event-ID`. */
export function eventId(runId: string, seq: number): string {
  return `${runId}:${seq}`;
}

/** The run and the number in a `Last-Event-ID`; undefined: it is none of ours. */
export function parseEventId(id: string): { readonly runId: string; readonly seq: number } | undefined {
  const [, runId, digits] = /^(.+):(\d{1,15})$/.exec(id) ?? [];
  return runId === undefined || digits === undefined ? undefined : { runId, seq: Number(digits) };
}

/** Beside what pydantic-ai's adapters write in the worker, these are the only events that are made here: a worker that is dead writes nothing. */
function failure(protocol: FrontendProtocol, error: SynapseError): string {
  const message = sentenceOf(error);
  if (protocol === "ag-ui") return data({ type: "RUN_ERROR", message, code: error.code });
  return data({ type: "error", errorText: message }) + done;
}

function cancellation(protocol: FrontendProtocol): string {
  if (protocol === "ag-ui")
    return data({ type: "RUN_ERROR", message: "The run was cancelled.", code: "run_cancelled" });
  return data({ type: "abort", reason: "The run was cancelled." }) + done;
}

const done = "data: [DONE]\n\n";

function data(event: object): string {
  return `data: ${JSON.stringify(event)}\n\n`;
}
