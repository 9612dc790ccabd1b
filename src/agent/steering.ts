/** Messages into a run that runs: they wait until it has begun in its worker, and are refused when it has ended. */

import { CallerError, checkKnownFields, invalidArgument } from "../errors.ts";
import { type AgentClient, ConnectionLostError, type SteerMessage } from "../rpc/agent-client.ts";
import { toContent } from "../rpc/content.ts";
import type { Prompt } from "./run-options.ts";

/** How a message is put into a run. */
export interface SendOptions {
  /**
   * "asap" (default): the model is told with its next request, and the run does not end before; "when_idle": only when the run would end otherwise.
   */
  readonly priority?: "asap" | "when_idle" | undefined;
}

/** The error for a message into a run that has ended. */
export function hasEnded({ agentId, runId }: { readonly agentId: string; readonly runId: string }): CallerError {
  const text = `run "${runId}" of agent "${agentId}" has ended, and took the message no more; send it with the next run`;
  return new CallerError("not_found", text, { field: "content" });
}

/** Where a run runs. */
interface Live {
  readonly client: AgentClient;
  readonly attempt: number;
}

const known: ReadonlySet<string> = new Set(["priority"] satisfies (keyof SendOptions)[]);

/** The messages into one run. */
export class Steering {
  readonly #about: { readonly agentId: string; readonly runId: string };
  #live = Promise.withResolvers<Live | undefined>();
  #ended = false;

  constructor(about: { readonly agentId: string; readonly runId: string }) {
    this.#about = about;
  }

  /** It runs there from now on. */
  begin(live: Live): void {
    this.#live.resolve(live);
  }

  /** It runs nowhere for now: what comes waits until it does. */
  takenBack(): void {
    if (!this.#ended) this.#live = Promise.withResolvers();
  }

  /** It has ended. */
  end(): void {
    this.#ended = true;
    this.#live.resolve(undefined);
    this.#live = Promise.withResolvers();
    this.#live.resolve(undefined);
  }

  /**
   * Sends a message. Settles when the run has taken it; rejects with CallerError "invalid_argument", or "not_found" when the run has ended first.
   */
  async send(content: Prompt, options: SendOptions = {}): Promise<void> {
    if (typeof options !== "object" || options === null) throw invalidArgument("options", options, "an object");
    checkKnownFields("options", options, known);
    const { priority = "asap" } = options;
    if (priority !== "asap" && priority !== "when_idle") {
      throw invalidArgument("options.priority", priority, '"asap" or "when_idle"');
    }
    const parts = typeof content === "string" ? [content] : content;
    toContent("content", parts);
    if (parts.length === 0) throw invalidArgument("content", content, "a string, or a list of content parts");
    const message: SteerMessage = { content: parts, priority };
    const live = await this.#live.promise;
    if (live !== undefined && (await this.#steer(live, message))) return;
    throw hasEnded(this.#about);
  }

  async #steer({ client, attempt }: Live, message: SteerMessage): Promise<boolean> {
    try {
      return await client.steer(this.#about.runId, attempt, message);
    } catch (error) {
      // The worker's exit ends the run; here it is enough that nobody has heard.
      if (error instanceof ConnectionLostError) return false;
      throw error;
    }
  }
}
