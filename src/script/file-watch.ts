/** Watches files: tells once which of them have changed, when they have been left alone for a moment. */

import { type FSWatcher, statSync, watch } from "node:fs";
import { dirname, join } from "node:path";

/** How long files must be left alone before it is told, in milliseconds: an editor, or a checkout, writes several times. */
const settleMs = 100;

/** How a watch is told of what it sees. */
export interface FileWatchOptions {
  /** These have changed; none, when only others in the same folders have, and they count. */
  readonly onChange: (files: readonly string[]) => void;
  /** A folder cannot be watched. */
  readonly onError: (error: unknown, folder: string) => void;
  /** Whether other files in the same folders count too; asked at every change. */
  readonly others: (name: string) => boolean;
}

/** A watch over files. */
export class FileWatch implements Disposable {
  readonly #options: FileWatchOptions;
  /** By folder, since an editor that saves puts another file in the place. */
  readonly #folders = new Map<string, FSWatcher>();
  /** What each file was when it was last looked at. */
  readonly #stamps = new Map<string, string | undefined>();
  #settling: NodeJS.Timeout | undefined;
  #other = false;

  constructor(options: FileWatchOptions) {
    this.#options = options;
  }

  /** Watches these files too. One that has been written since `sinceMs`, by the wall clock, counts as changed: it was read before that, perhaps. */
  add(files: readonly string[], sinceMs: number): void {
    for (const file of files) {
      if (this.#stamps.has(file)) continue;
      const stats = statSync(file, { throwIfNoEntry: false });
      const late = stats !== undefined && Math.floor(stats.mtimeMs) > sinceMs;
      this.#stamps.set(file, late ? undefined : stampOf(file));
      if (late) this.#settle();
      this.#watchFolder(dirname(file));
    }
  }

  [Symbol.dispose](): void {
    for (const watcher of this.#folders.values()) watcher.close();
    this.#folders.clear();
    clearTimeout(this.#settling);
  }

  #watchFolder(folder: string): void {
    if (this.#folders.has(folder)) return;
    try {
      const watcher = watch(folder, (_what, name) => {
        if (name !== null && !this.#stamps.has(join(folder, name))) {
          if (!this.#options.others(name)) return;
          this.#other = true;
        }
        this.#settle();
      });
      watcher.on("error", (error) => {
        this.#options.onError(error, folder);
        watcher.close();
      });
      this.#folders.set(folder, watcher);
    } catch (error) {
      this.#options.onError(error, folder);
    }
  }

  #settle(): void {
    clearTimeout(this.#settling);
    this.#settling = setTimeout(() => this.#compare(), settleMs);
  }

  #compare(): void {
    const changed: string[] = [];
    for (const [file, before] of this.#stamps) {
      const now = stampOf(file);
      // One that is gone has no other version to load; it is being replaced, perhaps.
      if (now === undefined || now === before) continue;
      this.#stamps.set(file, now);
      changed.push(file);
    }
    const other = this.#other;
    this.#other = false;
    if (changed.length > 0 || other) this.#options.onChange(changed);
  }
}

/** What tells one version of a file from the next; undefined when it is not there. */
function stampOf(file: string): string | undefined {
  const stats = statSync(file, { throwIfNoEntry: false });
  return stats === undefined ? undefined : `${stats.mtimeMs}:${stats.size}:${stats.ino}`;
}
