/** The values of a run as they cross the wire, in TypeScript's own shapes: milliseconds, plain numbers, parsed JSON. */

import type { Usage } from "../usage.ts";
import type { ContentPart } from "./content.ts";

/** pydantic-ai's ModelSettings; a key not named here is passed on as it is (for example "openai_reasoning_effort"). */
export interface ModelSettings {
  maxTokens?: number | undefined;
  temperature?: number | undefined;
  topP?: number | undefined;
  topK?: number | undefined;
  timeoutMs?: number | undefined;
  parallelToolCalls?: boolean | undefined;
  seed?: number | undefined;
  presencePenalty?: number | undefined;
  frequencyPenalty?: number | undefined;
  stopSequences?: string[] | undefined;
  toolChoice?: "none" | "auto" | "required" | undefined;
  thinking?: boolean | "minimal" | "low" | "medium" | "high" | "xhigh" | undefined;
  /** Further settings by pydantic-ai's own names. Must be JSON. */
  extra?: Readonly<Record<string, unknown>> | undefined;
}

/** pydantic-ai's UsageLimits. An absent `requestLimit` is pydantic-ai's 50; `null` lifts it. */
export interface UsageLimits {
  requestLimit?: number | null | undefined;
  toolCallsLimit?: number | undefined;
  inputTokensLimit?: number | undefined;
  outputTokensLimit?: number | undefined;
  totalTokensLimit?: number | undefined;
  perRequestInputTokensLimit?: number | undefined;
  /** US dollars as a decimal number in text. */
  costLimit?: string | undefined;
  countTokensBeforeRequest?: boolean | undefined;
}

/** A tool of the host as the worker is told of it. */
export interface HostToolSpec {
  readonly name: string;
  readonly description: string;
  /** A JSON Schema of an object, as JSON. */
  readonly parametersSchemaJson: Uint8Array<ArrayBuffer>;
  readonly sequential: boolean;
  readonly requiresApproval: boolean;
  /** From a call to its answer, in milliseconds; undefined: no limit. */
  readonly timeoutMs: number | undefined;
}

/** What a client of a front end is answered in. */
export type FrontendProtocol = "vercel-ai" | "ag-ui";

/** A request of a front end as the worker gets it. */
export interface FrontendSpec {
  readonly protocol: FrontendProtocol;
  /** As it came. */
  readonly body: Uint8Array<ArrayBuffer>;
  /** Whether `messageHistory` is the conversation, to which the body adds its last turn; false: the body's messages are. */
  readonly serverHistory: boolean;
  /** Of the Vercel AI SDK, its major version. */
  readonly sdkVersion: number;
}

/** One run as the client sends it. */
export interface RunRequestSpec {
  agentId: string;
  prompt: string | readonly ContentPart[];
  runId: string;
  attempt: number;
  incarnation: number;
  conversationId?: string;
  /** pydantic-ai messages (JSON values), as an earlier run's `newMessages` gave them. */
  messageHistory?: readonly unknown[];
  /** Any JSON value; validated against the agent's deps_type. */
  deps?: unknown;
  model?: string;
  modelSettings?: ModelSettings;
  usageLimits?: UsageLimits;
  instructions?: string;
  metadata?: Readonly<Record<string, string>>;
  /** From the receipt of the request until the run must have ended, in whole milliseconds. */
  timeLeftMs?: number;
  /** Ask for "output.partial" events. */
  partialOutput?: boolean;
  /** A JSON Schema of an object, in place of the agent's output type. */
  outputSchema?: Readonly<Record<string, unknown>>;
  /** Whether the worker may fetch URLs for a model that takes none. */
  mayFetch?: boolean;
  /** pydantic-ai's DeferredToolResults. */
  deferredResults?: object;
  /** The run may end paused. */
  mayPause?: boolean;
  /** The run may wait for answers from outside; it needs a session. */
  mayWait?: boolean;
  /** Tools of the host; the run needs a session. */
  tools?: readonly HostToolSpec[];
  /** What the run answers, in place of a prompt. */
  frontend?: FrontendSpec;
  /** No events but the terminal one. */
  terminalOnly?: boolean;
}

/** pydantic-ai's DeferredToolRequests. */
export interface WireDeferred {
  readonly calls: readonly WireDeferredCall[];
  readonly approvals: readonly WireDeferredCall[];
  readonly metadata?: Readonly<Record<string, unknown>>;
  readonly _kinds?: Readonly<Record<string, string>>;
}

/** A tool call part, as far as it is told. */
export interface WireDeferredCall {
  readonly tool_call_id: string;
  readonly tool_name: string;
  /** An object, or its JSON. */
  readonly args?: unknown;
}

/** A finished run as it crossed the wire. `output` is parsed JSON: a string for text agents. */
export interface WireRunResult {
  output: unknown;
  usage: Usage;
  newMessages: unknown[];
  /** What a paused run asks for; its output is undefined. */
  deferred?: WireDeferred;
  /** The messages that the run was given, and the new ones after them; or what Python has made of them. Made when it is first read. */
  readonly allMessages: unknown[];
  runId: string;
  conversationId: string;
  modelName: string;
  finishReason: string;
  /** Something of the run works still: a thread that it has left behind. */
  unfinished: boolean;
}

/** A tool of the Python agent. */
export interface AgentTool {
  name: string;
  description: string;
  /** The JSON Schema of its arguments. */
  parametersSchema: unknown;
  /** Whether its calls wait for somebody's approval, or may. */
  needsApproval: boolean;
  /** Whether its calls are answered from outside of the run, which ends paused. */
  external: boolean;
}

/** What the loaded agent is, as the worker describes it. Schemas are JSON Schema documents. */
export interface AgentDescription {
  agentId: string;
  name: string;
  description: string;
  model: string;
  /** What a prompt may be. */
  inputSchema: unknown;
  /** Undefined when pydantic cannot say what the agent answers. */
  outputSchema: unknown;
  /** Undefined when runs take no deps, or none that JSON can make. */
  depsSchema: unknown;
  /** Python's name of the type of the deps; empty when runs take none. */
  depsType: string;
  /** Those that are known without a run. */
  tools: AgentTool[];
  /** Toolsets whose tools only a run knows, by pydantic-ai's labels. */
  unknownToolsets: string[];
  /** Names of the tools with which the output is given. */
  outputTools: string[];
  /** SHA-256 over the canonical JSON of the schemas and the tools' names, in hex: it tells whether the contract has changed, and nothing else. */
  schemaHash: string;
  synapseOtpVersion: string;
  pydanticAiVersion: string;
  pythonVersion: string;
  protocolVersion: number;
  /** What the worker can do, a word each. */
  features: string[];
}
