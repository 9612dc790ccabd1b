/** A first-in first-out queue with constant-time ends, small when it is empty. */

const firstCapacity = 4;
/** An empty queue keeps a ring of up to this many slots, so that coming and going messages allocate nothing. */
const keptCapacity = 16;

const none: never[] = [];

/** A queue: a ring whose capacity is a power of two. */
export class Deque<T> {
  #ring: (T | undefined)[] = none;
  #head = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(item: T): void {
    if (this.#length === this.#ring.length) this.#grow();
    this.#ring[(this.#head + this.#length) & (this.#ring.length - 1)] = item;
    this.#length += 1;
  }

  /** Takes the oldest item; undefined when there is none. */
  shift(): T | undefined {
    if (this.#length === 0) return undefined;
    const ring = this.#ring;
    const item = ring[this.#head];
    ring[this.#head] = undefined;
    this.#head = (this.#head + 1) & (ring.length - 1);
    this.#length -= 1;
    if (this.#length === 0 && ring.length > keptCapacity) this.clear();
    return item;
  }

  /** Puts an item before all others. */
  unshift(item: T): void {
    if (this.#length === this.#ring.length) this.#grow();
    this.#head = (this.#head - 1) & (this.#ring.length - 1);
    this.#ring[this.#head] = item;
    this.#length += 1;
  }

  /** Removes the first item that matches and answers it, in a box because it may be undefined; undefined when none does. */
  take(match: (item: T) => boolean): { readonly item: T } | undefined {
    const mask = this.#ring.length - 1;
    for (let index = 0; index < this.#length; index += 1) {
      const item = this.#ring[(this.#head + index) & mask] as T;
      if (match(item)) {
        this.#remove(index);
        return { item };
      }
    }
    return undefined;
  }

  /** The items, oldest first. */
  values(): T[] {
    const mask = this.#ring.length - 1;
    return Array.from({ length: this.#length }, (_, index) => this.#ring[(this.#head + index) & mask] as T);
  }

  clear(): void {
    this.#ring = none;
    this.#head = 0;
    this.#length = 0;
  }

  /** The items before the gap move up into it: a match is near the head more often than not. */
  #remove(index: number): void {
    const mask = this.#ring.length - 1;
    for (let gap = index; gap > 0; gap -= 1) {
      this.#ring[(this.#head + gap) & mask] = this.#ring[(this.#head + gap - 1) & mask];
    }
    this.shift();
  }

  #grow(): void {
    const old = this.#ring;
    const mask = old.length - 1;
    const capacity = Math.max(firstCapacity, old.length * 2);
    const ring = new Array<T | undefined>(capacity);
    for (let index = 0; index < this.#length; index += 1) ring[index] = old[(this.#head + index) & mask];
    this.#ring = ring;
    this.#head = 0;
  }
}
