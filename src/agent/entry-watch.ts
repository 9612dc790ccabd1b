/** Watches the files that an agent's worker has been loaded from: when one of them changes, the next worker takes its place. */

import { realpathSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import type { Clock } from "../otp/scheduler/clock.ts";
import { parseEntry } from "./entry.ts";
import { FileStamps } from "./file-stamps.ts";
import { FolderWatch } from "./folder-watch.ts";

/** What a worker tells of its files. */
export interface WatchedWorker {
  /** When it was launched, by the wall clock. */
  readonly launchedAtMs: number;
  /** The files that it has imported by now. */
  importedFiles(): Promise<readonly string[]>;
}

/** What a watch needs of its agent. */
export interface EntryWatchParts {
  readonly entry: string;
  readonly cwd: string;
  readonly clock: () => Clock;
  /** Swaps the worker; undefined when none serves: then the next one loads what is there. */
  readonly swap: (reason: string) => Promise<void> | undefined;
  /** A folder cannot be watched. */
  readonly warn: (error: unknown, folder: string) => void;
}

/** The watch over the files of one agent. */
export class EntryWatch {
  readonly #parts: EntryWatchParts;
  readonly #folders: FolderWatch;
  readonly #stamps: FileStamps;
  #worker: WatchedWorker | undefined;
  #asked: WatchedWorker | undefined;
  #changedAtMs = 0;
  /** The next worker did not get ready: a file that the current one has not imported may be why. */
  #failed = false;

  constructor(parts: EntryWatchParts) {
    this.#parts = parts;
    this.#stamps = new FileStamps({ clock: parts.clock, onSettled: (changed) => this.#settled(changed) });
    const onChange = (folder: string, name: string | null) => this.#onChange(folder, name);
    this.#folders = new FolderWatch({ onChange, onError: parts.warn, persistent: false });
  }

  /** A worker serves from now on. */
  began(worker: WatchedWorker): void {
    this.#worker = worker;
    this.#failed = false;
    const entry = entryFile(this.#parts);
    if (entry !== undefined) this.#add(entry, worker);
    if (this.#changedAtMs >= worker.launchedAtMs) this.#swap("files changed while the worker started");
    this.lookAgain();
  }

  /** The worker may have imported more. */
  lookAgain(): void {
    const worker = this.#worker;
    if (worker === undefined || this.#asked === worker) return;
    this.#asked = worker;
    void worker.importedFiles().then((files) => {
      if (this.#asked === worker) this.#asked = undefined;
      if (this.#worker === worker) for (const file of files) this.#add(file, worker);
    });
  }

  /** Nothing is watched any more. */
  close(): void {
    this.#worker = undefined;
    this.#folders.close();
    this.#stamps.close();
  }

  /** A file that was written after the worker had begun may be another version than what it has loaded. */
  #add(file: string, worker: WatchedWorker): void {
    if (this.#stamps.add(file, worker.launchedAtMs)) this.#folders.add(dirname(file));
  }

  #onChange(folder: string, name: string | null): void {
    const file = name === null ? undefined : join(folder, name);
    const mayMend = this.#failed && name?.endsWith(".py") === true;
    if (file !== undefined && !this.#stamps.has(file) && !mayMend) return;
    if (this.#failed && file !== undefined) this.#stamps.doubt(file);
    this.#stamps.settle();
  }

  #settled(files: readonly string[]): void {
    if (files.length === 0) return;
    const changed = files.map((file) => basename(file));
    const others = changed.length > 3 ? ` and ${changed.length - 3} more` : "";
    this.#swap(`${changed.slice(0, 3).join(", ")}${others} changed`);
  }

  #swap(reason: string): void {
    const swapped = this.#parts.swap(reason);
    if (swapped === undefined) {
      this.#changedAtMs = Date.now();
      return;
    }
    // It has been reported.
    swapped.catch(() => {
      this.#failed = true;
    });
  }
}

/** The file of an entry that names one. */
function entryFile({ entry, cwd }: EntryWatchParts): string | undefined {
  const named = parseEntry(entry)?.file;
  if (named === undefined) return undefined;
  const file = resolve(cwd, named);
  try {
    return realpathSync(file);
  } catch {
    return file; // It is not there yet, or no more.
  }
}
