/** Who is told what a system reports: its log and its listeners, none of whom can keep it from another. */

import type { SystemLogger } from "./logger.ts";
import { onRejection } from "./otp/scheduler/thenable.ts";
import type { Report } from "./report.ts";
import { logReport } from "./report-log.ts";

/** The reporter of one system. */
export class Reporter {
  readonly #logger: SystemLogger;
  readonly #listeners = new Set<(report: Report) => void>();

  /** @param logger must not throw */
  constructor(logger: SystemLogger) {
    this.#logger = logger;
  }

  /** Tells of something. Never throws. */
  readonly report = (report: Report): void => {
    try {
      logReport(this.#logger, report);
    } catch (error) {
      this.#logger.error({ err: error, report: report.type }, "a report cannot be written");
    }
    const onBroken = (error: unknown) =>
      this.#logger.error({ err: error, report: report.type }, "a report listener threw");
    for (const listener of this.#listeners) {
      try {
        onRejection(listener(report), onBroken);
      } catch (error) {
        onBroken(error);
      }
    }
  };

  /** Tells `listener` of everything from now on. Returns the function that ends it. */
  listen(listener: (report: Report) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }
}
