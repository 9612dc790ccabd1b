/** The timers of a virtual clock, earliest first: a binary heap, so that tens of thousands of them cost no more than a few. */

/** One timer. `order` is its place among timers of the same time. */
export interface Timer {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
  /** Where it stands in the heap; -1 when it is in none. Kept by the heap. */
  index: number;
}

/** A heap of timers by time, then by order. Adding and removing cost O(log n). */
export class TimerHeap {
  readonly #timers: Timer[] = [];

  get size(): number {
    return this.#timers.length;
  }

  /** The earliest timer; undefined when there is none. */
  get first(): Timer | undefined {
    return this.#timers[0];
  }

  add(timer: Timer): void {
    this.#place(timer, this.#timers.length);
    this.#rise(timer);
  }

  /** Takes a timer out, wherever it stands. One that is not in the heap is left alone. */
  remove(timer: Timer): void {
    const { index } = timer;
    if (this.#timers[index] !== timer) return;
    const last = this.#timers.pop();
    timer.index = -1;
    if (last === undefined || last === timer) return;
    this.#place(last, index);
    this.#rise(last);
    this.#sink(last);
  }

  #place(timer: Timer, index: number): void {
    this.#timers[index] = timer;
    timer.index = index;
  }

  #rise(timer: Timer): void {
    while (timer.index > 0) {
      const above = (timer.index - 1) >> 1;
      const parent = this.#timers[above] as Timer;
      if (!isEarlier(timer, parent)) return;
      this.#place(parent, timer.index);
      this.#place(timer, above);
    }
  }

  #sink(timer: Timer): void {
    for (;;) {
      const left = this.#timers[2 * timer.index + 1];
      const right = this.#timers[2 * timer.index + 2];
      if (left === undefined) return;
      const child = right !== undefined && isEarlier(right, left) ? right : left;
      if (!isEarlier(child, timer)) return;
      const below = child.index;
      this.#place(child, timer.index);
      this.#place(timer, below);
    }
  }
}

function isEarlier(a: Timer, b: Timer): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}
