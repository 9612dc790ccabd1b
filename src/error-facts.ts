/** What errors are told beside their messages. This file imports what imports nothing: every room may import it. */

import type { CrashRecord } from "./crash.ts";

/** What a CallerError is told. */
export interface CallerErrorFacts {
  field?: string;
  value?: unknown;
  rule?: string;
  cause?: unknown;
}

/** One entry of pydantic's `ValidationError.errors()`. */
export interface ValidationIssue {
  type: string;
  loc: (string | number)[];
  msg: string;
  input?: unknown;
}

/** What a WorkerError is told. */
export interface WorkerErrorFacts {
  agentId?: string;
  runId?: string;
  crash?: CrashRecord;
  pythonType?: string;
  pythonTraceback?: string;
  cause?: unknown;
}

/** What a ProcessError is told. */
export interface ProcessErrorFacts {
  reason?: unknown;
  call?: FailedCall;
  cause?: unknown;
}

/** A call that failed: its target as it was written, what was asked, and the time it had (milliseconds), where it had one. */
export interface FailedCall {
  readonly target: unknown;
  readonly message: unknown;
  readonly timeoutMs?: number | "infinity";
}
