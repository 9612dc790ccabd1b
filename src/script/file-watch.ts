/** Watches files: tells once which of them have changed, when they have been left alone for a moment. */

import { dirname, join } from "node:path";
import { FolderWatch, settleMs, stampOf } from "../agent/folder-watch.ts";

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
  readonly #folders: FolderWatch;
  /** What each file was when it was last looked at. */
  readonly #stamps = new Map<string, string | undefined>();
  #settling: NodeJS.Timeout | undefined;
  #other = false;

  constructor(options: FileWatchOptions) {
    this.#options = options;
    const onChange = (folder: string, name: string | null) => this.#onChange(folder, name);
    this.#folders = new FolderWatch({ onChange, onError: options.onError });
  }

  /** Watches these files too. One that has been written since `sinceMs`, by the wall clock, counts as changed: it was read before that, perhaps. */
  add(files: readonly string[], sinceMs: number): void {
    for (const file of files) {
      if (this.#stamps.has(file)) continue;
      const stamp = stampOf(file);
      const late = stamp !== undefined && Math.floor(stamp.changedAtMs) > sinceMs;
      this.#stamps.set(file, late ? undefined : stamp?.text);
      if (late) this.#settle();
      this.#folders.add(dirname(file));
    }
  }

  [Symbol.dispose](): void {
    this.#folders.close();
    clearTimeout(this.#settling);
  }

  #onChange(folder: string, name: string | null): void {
    if (name !== null && !this.#stamps.has(join(folder, name))) {
      if (!this.#options.others(name)) return;
      this.#other = true;
    }
    this.#settle();
  }

  #settle(): void {
    clearTimeout(this.#settling);
    this.#settling = setTimeout(() => this.#compare(), settleMs);
  }

  #compare(): void {
    const changed: string[] = [];
    for (const [file, before] of this.#stamps) {
      const now = stampOf(file)?.text;
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
