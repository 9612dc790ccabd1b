/** What Python's fault handler writes when the process crashes in C code, told apart from what else is on stderr. */

const maxLines = 200;
const maxBytes = 32 * 1024;

/** The fault of one worker, as its stderr is read: from the fault handler's first word on, in bounded memory. */
export class FaultTrace {
  #lines: string[] | undefined;
  #bytes = 0;

  /** The lines; undefined when there was no fault. */
  get lines(): readonly string[] | undefined {
    return this.#lines;
  }

  /** A line of stderr. */
  note(line: string): void {
    if (line.startsWith("Fatal Python error: ")) {
      this.#lines = [];
      this.#bytes = 0;
    }
    if (this.#lines === undefined || this.#lines.length >= maxLines) return;
    this.#bytes += Buffer.byteLength(line);
    if (this.#bytes <= maxBytes) this.#lines.push(line);
  }
}
