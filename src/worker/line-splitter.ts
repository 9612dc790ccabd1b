/** Bytes in, lines out, in bounded memory. */

const newline = 0x0a;
const carriageReturn = 0x0d;

/** What a {@link LineSplitter} is made of. */
export interface LineSplitterOptions {
  /** Longest line in bytes, without its newline. A longer one arrives in pieces of at most this size. */
  maxBytes: number;
  /** Called for each line without its newline. `cut` is true when the line goes on in the next call. */
  onLine(line: string, cut: boolean): void;
}

/** Splits a stream of UTF-8 bytes into lines; holds at most `maxBytes` between two calls. */
export interface LineSplitter {
  push(chunk: Buffer): void;
  /** Delivers what came after the last newline, if anything did. */
  flush(): void;
}

/** Creates a splitter that has seen nothing yet. Invalid UTF-8 becomes U+FFFD. */
export function createLineSplitter({ maxBytes, onLine }: LineSplitterOptions): LineSplitter {
  let pending: Buffer[] = [];
  let pendingBytes = 0;

  const take = (): Buffer => {
    const [first] = pending;
    const whole = pending.length === 1 && first !== undefined ? first : Buffer.concat(pending, pendingBytes);
    pending = [];
    pendingBytes = 0;
    return whole;
  };
  const keep = (bytes: Buffer) => {
    if (bytes.length === 0) return;
    pending.push(bytes);
    pendingBytes += bytes.length;
  };
  const shed = () => {
    if (pendingBytes <= maxBytes) return;
    let rest = take();
    while (rest.length > maxBytes) {
      const end = characterBoundary(rest, maxBytes);
      onLine(rest.toString("utf8", 0, end), true);
      rest = rest.subarray(end);
    }
    keep(rest);
  };

  return {
    push(chunk) {
      let start = 0;
      for (let end = chunk.indexOf(newline); end !== -1; end = chunk.indexOf(newline, start)) {
        keep(chunk.subarray(start, end));
        shed();
        const line = take();
        const length = line.at(-1) === carriageReturn ? line.length - 1 : line.length;
        onLine(line.toString("utf8", 0, length), false);
        start = end + 1;
      }
      keep(chunk.subarray(start));
      shed();
    },
    flush() {
      if (pendingBytes > 0) onLine(take().toString("utf8"), false);
    },
  };
}

/** The last index of at most `end` at which no UTF-8 character is cut in two. */
function characterBoundary(bytes: Buffer, end: number): number {
  for (let index = end; index > end - 4 && index > 0; index -= 1) {
    if (((bytes[index] ?? 0) & 0xc0) !== 0x80) return index;
  }
  return end;
}
