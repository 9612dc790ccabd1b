/** The parts of a model's response as pydantic-ai writes them, in its own names: what is in `newMessages` is in events too. */

/** What every part may have. */
interface PartBase {
  readonly id?: string | null;
  readonly provider_name?: string | null;
  readonly provider_details?: Readonly<Record<string, unknown>> | null;
}

/** Where a citation's text comes from. */
export type CitationSource =
  | { readonly kind: "web"; readonly url: string; readonly title: string | null; readonly excerpts: readonly string[] }
  | {
      readonly kind: "document";
      readonly document_id: string | null;
      readonly title: string | null;
      readonly excerpts: readonly string[];
    };

/** Links a piece of the answer to its sources. */
export interface Citation {
  readonly sources: readonly CitationSource[];
  /** Which piece of the part's text: "content" the text itself, "marker" a mark such as "[1]"; null: the provider does not say. */
  readonly anchor: { readonly kind: "content" | "marker"; readonly start: number; readonly end: number } | null;
}

/** Bytes in a part: base64 in its URL-safe alphabet (`Buffer.from(data, "base64url")`). */
export interface BinaryPartContent {
  readonly kind: "binary";
  readonly data: string;
  readonly media_type: string;
  readonly identifier: string;
  readonly vendor_metadata?: Readonly<Record<string, unknown>> | null;
}

/** A call that the model has written. `args` are as it wrote them: JSON in a text, or an object. */
export interface ToolCallPart extends PartBase {
  readonly part_kind: "tool-call";
  readonly tool_name: string;
  readonly args: string | Readonly<Record<string, unknown>> | null;
  readonly tool_call_id: string;
  readonly tool_kind?: string | null;
}

/** One part of a model's response, by `part_kind`. */
export type ResponsePart =
  | (PartBase & {
      readonly part_kind: "text";
      readonly content: string;
      readonly citations?: readonly Citation[] | null;
    })
  | (PartBase & { readonly part_kind: "thinking"; readonly content: string; readonly signature?: string | null })
  | ToolCallPart
  /** A call of a tool of the provider's own, such as its web search. */
  | (PartBase & {
      readonly part_kind: "builtin-tool-call";
      readonly tool_name: string;
      readonly args: string | Readonly<Record<string, unknown>> | null;
      readonly tool_call_id: string;
    })
  | (PartBase & {
      readonly part_kind: "builtin-tool-return";
      readonly tool_name: string;
      readonly content: unknown;
      readonly tool_call_id: string;
      readonly outcome: string;
    })
  | (PartBase & { readonly part_kind: "file"; readonly content: BinaryPartContent })
  /** The provider has made the conversation shorter. */
  | (PartBase & { readonly part_kind: "compaction"; readonly content: string | null })
  | (PartBase & {
      readonly part_kind: "speech";
      readonly speaker: "user" | "assistant";
      readonly transcript: string | null;
      readonly audio: BinaryPartContent | null;
    });

/** The kinds of parts. */
export type ResponsePartKind = ResponsePart["part_kind"];

/** What a run asks its caller for, as pydantic-ai's DeferredToolRequests. */
export interface DeferredRequests {
  /** Calls that somebody else is to make. */
  readonly calls: readonly ToolCallPart[];
  /** Calls that need to be approved. */
  readonly approvals: readonly ToolCallPart[];
  /** What the tools say about their calls, by the ids of these. */
  readonly metadata: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}
