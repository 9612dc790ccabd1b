/** Reports, as the page reads them. */

import type { WatchMessage } from "../../inspect/watch.ts";

/** A report. */
export type ReportView = Extract<WatchMessage, { type: "report" }> & { readonly report: ReportFacts };

/** What reports may have in them, of what the page shows. */
export interface ReportFacts {
  readonly type: string;
  readonly agentId?: string;
  readonly path?: string;
  readonly supervisor?: string;
  readonly incarnation?: number;
  readonly runId?: string;
  readonly attempt?: number;
  readonly waitedMs?: number;
  readonly durationMs?: number;
  readonly outcome?: string;
  readonly code?: string;
  readonly usage?: { readonly inputTokens?: number; readonly outputTokens?: number };
  readonly crash?: CrashFacts;
  readonly decision?: { readonly type: string; readonly because: string; readonly delayMs?: number };
  readonly offender?: { readonly path?: string; readonly childId?: string };
  readonly because?: string;
  /** How a budget holds an agent's runs back. */
  readonly by?: string;
}

/** A crash record, as it is told. */
export type CrashFacts = Readonly<Record<string, unknown>> & { readonly describe?: string; readonly atMs?: number };
