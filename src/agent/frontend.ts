/** The agent as front ends reach it: a request begins a run that belongs to the system, and its events become the text of an answer. */

import { RunError, SynapseError } from "../errors.ts";
import type { AnswerEvent } from "../http/answer-text.ts";
import type { FrontendHost, FrontendRun } from "../http/handle.ts";
import type { FrontendRequest } from "../http/request.ts";
import type { Clock } from "../otp/scheduler/clock.ts";
import type { FrontendSpec } from "../rpc/run-types.ts";
import { beginTurn, finishTurn, historyInTurn, optionsInTurn } from "./conversation-turn.ts";
import type { AnswerOptions, GivenOptions } from "./fetch-options.ts";
import { chatKey, type FrontendRunFacts } from "./frontend-runs.ts";
import type { RunTaker } from "./handle-owner.ts";
import type { Claim, PausedConversation } from "./paused-runs.ts";
import type { InnerRunOptions } from "./run-options.ts";
import type { RunRecord } from "./run-record.ts";
import type { RunEvent } from "./run-result.ts";
import { beginRun } from "./start-run.ts";
import { takeRequest } from "./taken-request.ts";

/** What a request goes on with. */
interface Taken extends Pick<FrontendRequest, "body"> {
  readonly claim: Claim | undefined;
}

/** What one request may do with the runs of an agent. */
export class AgentFrontend implements FrontendHost {
  readonly #runs: RunTaker;
  readonly #answer: AnswerOptions;
  readonly #given: GivenOptions;

  /** @throws CallerError "invalid_argument" for options of the run */
  constructor(runs: RunTaker, options: { readonly answer: AnswerOptions; readonly given: GivenOptions }) {
    this.#runs = runs;
    this.#answer = options.answer;
    this.#given = takeRequest("", options.given, runs).options;
  }

  get maxMessageBytes(): number {
    return this.#runs.maxMessageBytes;
  }

  get clock(): Clock {
    return this.#runs.clock;
  }

  async begin(request: FrontendRequest, signal: AbortSignal): Promise<FrontendRun> {
    const { protocol, body, chatId } = request;
    const { scope, conversation, sdkVersion } = this.#answer;
    const serverHistory = conversation === "server";
    const frontend: FrontendSpec = { protocol, body, sdkVersion, serverHistory };
    const options = { ...this.#given, mayPause: true, frontend };
    const begun = serverHistory ? await this.#goOn(request, options, signal) : { runId: this.#start(options).runId };
    const facts = { ...begun, protocol, scope, chatId };
    this.#runs.conversations.frontends.add(facts);
    return this.#runOf(facts);
  }

  run(runId: string): FrontendRun | undefined {
    const facts = this.#runs.conversations.frontends.run(runId, this.#answer.scope);
    return facts === undefined || this.#runs.ledger.get(runId) === undefined ? undefined : this.#runOf(facts);
  }

  running(chatId: string): FrontendRun | undefined {
    const facts = this.#runs.conversations.frontends.latestOf(chatId, this.#answer.scope);
    const state = facts && this.#runs.ledger.get(facts.runId)?.state;
    return facts !== undefined && (state === "queued" || state === "running" || state === "waiting")
      ? this.#runOf(facts)
      : undefined;
  }

  onError(error: SynapseError): void {
    this.#answer.onError?.(error);
  }

  #start(options: InnerRunOptions, claim?: Claim): RunRecord {
    const { detached } = this.#answer;
    return beginRun(this.#runs, "", options, {
      detached,
      paced: !detached,
      idempotencyKey: undefined,
      claim,
    });
  }

  /** A run that goes on with a conversation that the agent keeps, in its turn. */
  async #goOn(
    request: FrontendRequest,
    options: InnerRunOptions & { readonly frontend: FrontendSpec },
    signal: AbortSignal,
  ): Promise<{ runId: string; saved: Promise<SynapseError | undefined> }> {
    const { agentId, clock, conversations, paused } = this.#runs;
    const { store, whenBusy = "queue", scope } = this.#answer;
    const parts = conversations.turnOf(
      { agentId, id: chatKey(scope, request.chatId), clock, paused },
      { store, whenBusy },
    );
    const turn = await beginTurn(parts, { whenBusy, signal, timeoutMs: options.timeoutMs });
    try {
      const { claim, body } = this.#take(request, parts);
      const given = { ...optionsInTurn(turn, options), ...historyInTurn(parts, turn) };
      const record = this.#start({ ...given, frontend: { ...options.frontend, body } }, claim);
      const finished = finishTurn(
        parts,
        turn,
        () => record.result,
        ({ allMessages }) => allMessages,
      );
      // The outcome is not to be kept for as long as the run is known.
      const saved = finished.then(
        () => undefined,
        (error: unknown) => this.#notSaved(record, error),
      );
      return { runId: record.runId, saved };
    } catch (error) {
      turn.end();
      throw error;
    }
  }

  /** The paused run that a request goes on with, which nobody else may then; undefined: none that is known here. */
  #take(request: FrontendRequest, conversation: PausedConversation): Taken {
    const { answers, withoutAnswers, body } = request;
    if (!answers) return { claim: undefined, body };
    const { paused, agentId } = this.#runs;
    if (withoutAnswers === undefined) return { claim: paused.takeOf(conversation, agentId), body };
    // What has been answered before is said again by the client, and what its user says now closes it.
    const claim = paused.isOpen(conversation) ? paused.takeOf(conversation, agentId) : undefined;
    return { claim, body: claim === undefined ? withoutAnswers() : body };
  }

  /** The error of a run that went well, and could not be written; undefined: the run itself has failed, and says so. */
  #notSaved({ runId, state }: RunRecord, cause: unknown): SynapseError | undefined {
    if (state !== "completed" && state !== "paused") return undefined;
    const { agentId } = this.#runs;
    const message = `run "${runId}" of agent "${agentId}" has ended, but its conversation could not be written`;
    const error =
      cause instanceof SynapseError ? cause : new RunError("run_failed", message, { agentId, runId, cause });
    this.onError(error);
    return error;
  }

  #runOf({ runId, protocol, saved }: FrontendRunFacts): FrontendRun {
    const { ledger } = this.#runs;
    return {
      runId,
      protocol,
      read: (after) => answerEvents(ledger.attach(runId, { after })[Symbol.asyncIterator](), saved),
      cancel: () => ledger.cancel(runId, "its front end has stopped it"),
    };
  }
}

/** The events of a run, as far as its answer is made of them. It has ended well when its conversation is written, too. */
function answerEvents(
  events: AsyncIterator<RunEvent>,
  saved?: Promise<SynapseError | undefined>,
): AsyncIterator<AnswerEvent> {
  return {
    async next() {
      const step = await events.next();
      if (step.done === true) return step;
      const event = toAnswerEvent(step.value);
      const error = event.type === "completed" ? await saved : undefined;
      if (error === undefined) return { done: false, value: event };
      return { done: false, value: { type: "failed", seq: event.seq, error } };
    },
    async return() {
      await events.return?.();
      return { done: true, value: undefined };
    },
  };
}

function toAnswerEvent(event: RunEvent): AnswerEvent {
  const { type, seq } = event;
  switch (type) {
    case "frontend.text":
      return { type: "text", seq, text: event.text, end: event.end };
    case "completed":
    case "paused":
      return { type: "completed", seq };
    case "failed":
      return { type: "failed", seq, error: event.error };
    case "cancelled":
      return { type: "cancelled", seq };
    default:
      return { type: "other", seq };
  }
}
