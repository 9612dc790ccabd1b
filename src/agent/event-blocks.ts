/** Events in little room: deltas that follow each other are one text with its cuts, and come out as they went in. */

import type { ProgressEvent } from "../rpc/run-event.ts";
import type { RunEvent } from "./run-result.ts";
import { bytesOf } from "./value-bytes.ts";

/** What comes in many small pieces. */
type Delta = Extract<ProgressEvent, { type: "text.delta" | "thinking.delta" | "tool.args.delta" | "frontend.text" }>;

const deltas: ReadonlySet<string> = new Set([
  "text.delta",
  "thinking.delta",
  "tool.args.delta",
  "frontend.text",
] satisfies Delta["type"][]);

/** A block has at most so many pieces, and so long a text in UTF-16 units, unless it is one piece. */
const mostPieces = 128;
const longestText = 4_096;
/** A piece beside its text, and a block of pieces beside them. */
const pieceBytes = 8;
const blockBytes = 640;

/** Deltas of one part: the first, and the texts of all. */
class DeltaBlock {
  readonly firstSeq: number;
  bytes = blockBytes;
  readonly #head: Delta;
  #pieces: string[] | undefined = [];
  #units = 0;
  /** Of a closed block: one text, and where each piece ends in it. */
  #text = "";
  #ends: Uint32Array | undefined;

  constructor(first: Delta) {
    this.firstSeq = first.seq;
    this.#head = first;
    this.take(first);
  }

  get lastSeq(): number {
    return this.firstSeq + (this.#ends?.length ?? this.#pieces?.length ?? 0) - 1;
  }

  /** Takes the next event, if it is another piece of the same; false if not. */
  take(event: RunEvent): boolean {
    const pieces = this.#pieces;
    if (pieces === undefined || !isDelta(event) || !continues(this.#head, event)) return false;
    // A long piece is a block of its own: it takes none of those before it along, nor stays because of them.
    if (pieces.length > 0 && this.#units + event.text.length > longestText) return false;
    pieces.push(event.text);
    this.#units += event.text.length;
    this.bytes += pieceBytes + event.text.length * 2;
    if (pieces.length >= mostPieces) this.close();
    return true;
  }

  /** No more comes. */
  close(): void {
    const pieces = this.#pieces;
    if (pieces === undefined) return;
    this.#text = pieces.join("");
    let end = 0;
    this.#ends = Uint32Array.from(pieces, (piece) => (end += piece.length));
    this.#pieces = undefined;
  }

  at(seq: number): Delta {
    const index = seq - this.firstSeq;
    const ends = this.#ends;
    const text = ends === undefined ? this.#pieces?.[index] : this.#text.slice(ends[index - 1] ?? 0, ends[index]);
    return { ...this.#head, seq, text: text ?? "" };
  }
}

/** One event of any other kind. */
class EventBlock {
  readonly bytes: number;
  readonly #event: RunEvent;

  constructor(event: RunEvent) {
    this.#event = event;
    this.bytes = bytesOf(event);
  }

  get firstSeq(): number {
    return this.#event.seq;
  }

  get lastSeq(): number {
    return this.#event.seq;
  }

  take(): boolean {
    return false;
  }

  close(): void {
    // It is as small as it gets.
  }

  at(): RunEvent {
    return this.#event;
  }
}

/** The events of one run that are kept, without a gap: the oldest leave first, some at a time. */
export class EventBlocks {
  #blocks: (DeltaBlock | EventBlock | undefined)[] = [];
  /** Blocks before this index have left. */
  #start = 0;
  #bytes = 0;

  /** About what they take in memory. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The number of the first event that is kept; undefined: none is. */
  get firstSeq(): number | undefined {
    return this.#blocks[this.#start]?.firstSeq;
  }

  /** Whether there is something to drop: what came last stays, for those who keep pace. */
  get canDrop(): boolean {
    return this.#blocks.length - this.#start > 1;
  }

  /** Adds the event that has the next number. */
  add(event: RunEvent): void {
    const last = this.#blocks.at(-1);
    const before = last?.bytes ?? 0;
    if (last?.take(event) === true) {
      this.#bytes += last.bytes - before;
      return;
    }
    last?.close();
    const block = isDelta(event) ? new DeltaBlock(event) : new EventBlock(event);
    this.#blocks.push(block);
    this.#bytes += block.bytes;
  }

  /** An event that is kept, by its number. */
  at(seq: number): RunEvent {
    let low = this.#start;
    let high = this.#blocks.length - 1;
    // Who keeps pace finds it at the end.
    if ((this.#blocks[high]?.firstSeq ?? 0) <= seq) low = high;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#blocks[middle]?.firstSeq ?? 0) <= seq) low = middle;
      else high = middle - 1;
    }
    const block = this.#blocks[low];
    if (block === undefined || seq < block.firstSeq || seq > block.lastSeq) throw new RangeError(`no event ${seq}`);
    return block.at(seq);
  }

  /** Forgets the oldest block. */
  dropOldest(): void {
    const block = this.#blocks[this.#start];
    if (block === undefined) return;
    this.#bytes -= block.bytes;
    this.#blocks[this.#start] = undefined;
    this.#start += 1;
    if (this.#start * 2 < this.#blocks.length) return;
    this.#blocks = this.#blocks.slice(this.#start);
    this.#start = 0;
  }

  /** Forgets them all. */
  clear(): void {
    this.#blocks = [];
    this.#start = 0;
    this.#bytes = 0;
  }
}

function isDelta(event: RunEvent): event is Delta {
  return deltas.has(event.type);
}

/** Whether they differ in their texts alone. */
function continues(head: Delta, next: Delta): boolean {
  if (head.type !== next.type || head.step !== next.step) return false;
  if (head.type === "frontend.text") return head.end === (next as typeof head).end;
  if (head.partIndex !== (next as typeof head).partIndex) return false;
  if (head.type !== "tool.args.delta") return true;
  const { toolCallId, toolName } = next as Extract<Delta, { type: "tool.args.delta" }>;
  return head.toolCallId === toolCallId && head.toolName === toolName;
}
