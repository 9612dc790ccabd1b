/** Records a system into a file, and reads a recording back. */

import { createReadStream, existsSync, renameSync, rmSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { createInterface } from "node:readline";
import { CallerError, checkKnownFields, invalidArgument } from "../errors.ts";
import { checkSanitise, type Sanitise } from "./definition-text.ts";
import type { InspectedSystem, SystemInspector } from "./inspected-system.ts";
import { SystemWatch, type WatchMessage, watchVersion } from "./watch.ts";

/** Options of `record`. */
export interface RecordOptions {
  /** Path of the recording; one that is there is replaced, and so is the older half beside it, `<file>.1`. Readable by this user alone. */
  readonly file: string;
  /**
   * How large the recording may become, in bytes, both files together; the newest part is kept. Each file begins with how all are, which comes on top. Default
   * 64 MiB; at least 64 KiB.
   */
  readonly maxBytes?: number | undefined;
  /** As of `statelyInspector`. */
  readonly sanitise?: Sanitise | undefined;
}

const known = new Set(["file", "maxBytes", "sanitise"]);
const defaultMaxBytes = 64 * 1024 * 1024;
const leastMaxBytes = 64 * 1024;
/** What may wait for the disk, in bytes; more is not recorded, and that is said in the recording. */
const maxWaitingBytes = 8 * 1024 * 1024;

/**
 * Creates an inspector that records a system, from its start to its end. One recorder records one system at a time.
 * @throws CallerError "invalid_argument"
 */
export function record(options: RecordOptions): SystemInspector {
  if (typeof options !== "object" || options === null) throw invalidArgument("options", options, "an object");
  checkKnownFields("options", options, known);
  const { file, maxBytes = defaultMaxBytes, sanitise } = options;
  if (typeof file !== "string" || file === "") throw invalidArgument("options.file", file, "a path");
  if (!Number.isSafeInteger(maxBytes) || maxBytes < leastMaxBytes) {
    throw invalidArgument("options.maxBytes", maxBytes, "an integer of 65,536 bytes at least");
  }
  checkSanitise(sanitise);
  return createRecorder({ file, maxBytes, sanitise }, "replace");
}

/** With what a recorder was made, defaults included; undefined of anything else. */
export function recordOptionsOf(inspector: unknown): CheckedOptions | undefined {
  return made.get(inspector as object);
}

/** A recorder like this one that goes on with the recording in its file, which begins with a header again; undefined of what is no recorder. */
export function continueRecording(inspector: unknown): SystemInspector | undefined {
  const options = recordOptionsOf(inspector);
  return options === undefined ? undefined : createRecorder(options, "continue");
}

/** What `record` takes, checked, with its defaults. */
export type CheckedOptions = Required<RecordOptions> & { readonly maxBytes: number };

const made = new WeakMap<object, CheckedOptions>();

function createRecorder(options: CheckedOptions, found: "replace" | "continue"): SystemInspector {
  const { file, maxBytes, sanitise } = options;
  let running: { system: InspectedSystem; watch: SystemWatch; writer: Writer } | undefined;
  const recorder: SystemInspector = {
    get recording() {
      return running?.writer.writes === true ? file : undefined;
    },
    async attach(system) {
      if (running !== undefined) {
        throw new CallerError("already_started", `"${file}" records system "${running.system.name}" already`);
      }
      if (found === "replace") rmSync(`${file}.1`, { force: true });
      const writer = new Writer(file, maxBytes, (error) => system.trouble(error));
      try {
        await writer.open(found === "continue");
      } catch (cause) {
        throw invalidArgument("options.file", file, `a file that can be written: ${(cause as Error).message}`, cause);
      }
      const watch = new SystemWatch(system, (messages) => writer.write(messages), { sanitise });
      writer.begin(() => [...watch.opening({ past: false })].flat());
      running = { system, watch, writer };
    },
    async detach() {
      const ending = running;
      running = undefined;
      ending?.watch.close();
      await ending?.writer.close();
    },
  };
  made.set(recorder, options);
  return recorder;
}

/** Writes lines, one batch after the other. */
class Writer {
  readonly #file: string;
  readonly #halfBytes: number;
  readonly #onTrouble: (error: unknown) => void;
  #opening: (() => readonly WatchMessage[]) | undefined;
  #handle: FileHandle | undefined;
  #waiting: string[] = [];
  #waitingBytes = 0;
  #skipped = 0;
  #written = 0;
  #work: Promise<void> | undefined;

  constructor(file: string, maxBytes: number, onTrouble: (error: unknown) => void) {
    this.#file = file;
    this.#halfBytes = Math.floor(maxBytes / 2);
    this.#onTrouble = onTrouble;
  }

  /** Whether it writes still: a disk that is full has ended it. */
  get writes(): boolean {
    return this.#handle !== undefined;
  }

  /** @param goOn whether what is in the file stays */
  async open(goOn = false): Promise<void> {
    this.#handle = await open(this.#file, goOn ? "a" : "w", 0o600);
    this.#written = goOn ? (await this.#handle.stat()).size : 0;
  }

  /** @param opening what stands at the beginning of each file, so that each can be read alone */
  begin(opening: () => readonly WatchMessage[]): void {
    // What is told while the opening is made is in it already.
    const first = opening();
    this.#opening = opening;
    this.write(first);
  }

  write(messages: readonly WatchMessage[]): void {
    if (this.#handle === undefined || this.#opening === undefined) return;
    if (this.#waitingBytes > maxWaitingBytes) {
      this.#skipped += messages.length;
      return;
    }
    if (this.#skipped > 0) this.#add([{ type: "skipped", atMs: Date.now(), messages: this.#skipped }]);
    this.#skipped = 0;
    this.#add(messages);
    this.#work ??= this.#drain().finally(() => {
      this.#work = undefined;
    });
  }

  /** Writes what waits. Does not reject. */
  async close(): Promise<void> {
    await this.#work;
    await this.#handle?.close().catch(this.#onTrouble);
    this.#handle = undefined;
  }

  #add(messages: readonly WatchMessage[]): void {
    const text = linesOf(messages);
    this.#waiting.push(text);
    this.#waitingBytes += text.length;
  }

  async #drain(): Promise<void> {
    try {
      while (this.#waiting.length > 0) {
        const text = this.#waiting.join("");
        this.#waiting = [];
        this.#waitingBytes = 0;
        await this.#handle?.writeFile(text);
        this.#written += Buffer.byteLength(text);
        if (this.#written > this.#halfBytes) await this.#turnOver();
      }
    } catch (error) {
      // A disk that is full ends the recording, and nothing else.
      const handle = this.#handle;
      this.#handle = undefined;
      this.#onTrouble(error);
      await handle?.close().catch(() => undefined); // The trouble has been told.
    }
  }

  /** The newer half becomes the older one. */
  async #turnOver(): Promise<void> {
    await this.#handle?.close();
    renameSync(this.#file, `${this.#file}.1`);
    await this.open();
    await this.#handle?.writeFile(linesOf(this.#opening?.() ?? []));
  }
}

function linesOf(messages: readonly WatchMessage[]): string {
  return messages.map((message) => `${JSON.stringify(message)}\n`).join("");
}

/**
 * Reads a recording, its older half first. A last line that the host's death has cut off is left out.
 * @returns throws CallerError "not_found" when there is none, "invalid_argument" when it is no recording, or of a version that is not known
 */
export async function* readRecording(file: string): AsyncGenerator<WatchMessage> {
  const files = [`${file}.1`, file].filter((path) => existsSync(path));
  if (!files.includes(file))
    throw new CallerError("not_found", `there is no recording "${file}"`, { field: "file", value: file });
  for (const path of files) yield* readLines(path);
}

async function* readLines(path: string): AsyncGenerator<WatchMessage> {
  let number = 0;
  let torn: Error | undefined;
  for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Number.POSITIVE_INFINITY })) {
    if (torn !== undefined) throw torn;
    number += 1;
    let message: WatchMessage | undefined;
    try {
      message = JSON.parse(line) as WatchMessage;
    } catch (cause) {
      torn = invalidArgument("file", path, `a recording; line ${number} is none of one`, cause);
      if (number === 1) throw torn;
      continue;
    }
    if (number === 1 && !(message.type === "header" && message.version === watchVersion)) {
      throw invalidArgument("file", path, `a recording of version ${watchVersion}`);
    }
    yield message;
  }
}
