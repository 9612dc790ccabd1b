/** Watches folders for changes of files in them: an editor that saves puts another file in the place, which a watch of the file itself does not survive. */

import { type FSWatcher, statSync, watch } from "node:fs";

/** How long files must be left alone before a change is acted on, in milliseconds: an editor, or a checkout, writes several times. */
export const settleMs = 100;

/** How a watch is told of what it sees. */
export interface FolderWatchOptions {
  /** Something happened to this file of the folder; null where the system does not say to which. */
  readonly onChange: (folder: string, name: string | null) => void;
  /** A folder cannot be watched. */
  readonly onError: (error: unknown, folder: string) => void;
  /** Whether it keeps the process alive. Default true. */
  readonly persistent?: boolean;
}

/** A watch over folders. */
export class FolderWatch {
  readonly #options: FolderWatchOptions;
  readonly #folders = new Map<string, FSWatcher>();

  constructor(options: FolderWatchOptions) {
    this.#options = options;
  }

  /** Watches this one too. */
  add(folder: string): void {
    if (this.#folders.has(folder)) return;
    const { onChange, onError, persistent = true } = this.#options;
    try {
      const watcher = watch(folder, { persistent }, (_what, name) => onChange(folder, name));
      watcher.on("error", (error) => {
        onError(error, folder);
        watcher.close();
      });
      this.#folders.set(folder, watcher);
    } catch (error) {
      onError(error, folder);
    }
  }

  /** Watches none any more. */
  close(): void {
    for (const watcher of this.#folders.values()) watcher.close();
    this.#folders.clear();
  }
}

/** What tells one version of a file from the next, and when it was written, by the wall clock; undefined when it is not there. */
export function stampOf(file: string): { readonly text: string; readonly changedAtMs: number } | undefined {
  const stats = statSync(file, { throwIfNoEntry: false });
  if (stats === undefined) return undefined;
  return { text: `${stats.mtimeMs}:${stats.size}:${stats.ino}`, changedAtMs: stats.mtimeMs };
}
