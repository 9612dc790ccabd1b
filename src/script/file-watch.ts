/** Watches files: tells once which of them have changed, when they have been left alone for a moment. */

import { dirname, join } from "node:path";
import { FileStamps } from "../agent/file-stamps.ts";
import { FolderWatch } from "../agent/folder-watch.ts";
import { realClock } from "../otp/scheduler/clock.ts";

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
  readonly #stamps = new FileStamps({ clock: () => realClock, onSettled: (changed) => this.#settled(changed) });
  #other = false;

  constructor(options: FileWatchOptions) {
    this.#options = options;
    const onChange = (folder: string, name: string | null) => this.#onChange(folder, name);
    this.#folders = new FolderWatch({ onChange, onError: options.onError });
  }

  /** Watches these files too. One that has been written since `sinceMs`, by the wall clock, counts as changed: it was read before that, perhaps. */
  add(files: readonly string[], sinceMs: number): void {
    for (const file of files) if (this.#stamps.add(file, sinceMs)) this.#folders.add(dirname(file));
  }

  [Symbol.dispose](): void {
    this.#folders.close();
    this.#stamps.close();
  }

  #onChange(folder: string, name: string | null): void {
    if (name !== null && !this.#stamps.has(join(folder, name))) {
      if (!this.#options.others(name)) return;
      this.#other = true;
    }
    this.#stamps.settle();
  }

  #settled(changed: readonly string[]): void {
    const other = this.#other;
    this.#other = false;
    if (changed.length > 0 || other) this.#options.onChange(changed);
  }
}
