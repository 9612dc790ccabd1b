/** What files were when they were last looked at: which of them have changed since is told when they have been left alone for a moment. */

import type { Clock } from "../otp/scheduler/clock.ts";
import { settleMs, stampOf } from "./folder-watch.ts";

/** What a set of stamps needs. */
export interface FileStampsParts {
  readonly clock: () => Clock;
  /** Files were left alone; those of them that have changed. */
  readonly onSettled: (changed: readonly string[]) => void;
}

/** The stamps of some files. */
export class FileStamps {
  readonly #parts: FileStampsParts;
  /** Undefined: whatever is there is another version. */
  readonly #stamps = new Map<string, string | undefined>();
  #timer: unknown;

  constructor(parts: FileStampsParts) {
    this.#parts = parts;
  }

  has(file: string): boolean {
    return this.#stamps.has(file);
  }

  /**
   * Looks at a file from now on; false when it is known already. One that has been written since `sinceMs`, by the wall clock, counts as changed: it was read before that,
   * perhaps.
   */
  add(file: string, sinceMs: number): boolean {
    if (this.#stamps.has(file)) return false;
    const stamp = stampOf(file);
    const late = stamp !== undefined && Math.floor(stamp.changedAtMs) > sinceMs;
    this.#stamps.set(file, late ? undefined : stamp?.text);
    if (late) this.settle();
    return true;
  }

  /** Whatever there is of this file counts as changed. */
  doubt(file: string): void {
    this.#stamps.set(file, undefined);
  }

  /** Something happens to files: they are looked at when they are left alone. */
  settle(): void {
    const clock = this.#parts.clock();
    if (this.#timer !== undefined) clock.clearTimeout(this.#timer);
    this.#timer = clock.setTimeout(() => {
      this.#timer = undefined;
      this.#parts.onSettled(this.#changed());
    }, settleMs);
  }

  /** Forgets all. */
  close(): void {
    this.#stamps.clear();
    if (this.#timer !== undefined) this.#parts.clock().clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #changed(): string[] {
    const changed: string[] = [];
    for (const [file, before] of this.#stamps) {
      const now = stampOf(file)?.text;
      // One that is gone has no other version to load; it is being replaced, perhaps.
      if (now === undefined || now === before) continue;
      this.#stamps.set(file, now);
      changed.push(file);
    }
    return changed;
  }
}
