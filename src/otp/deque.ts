/** A first-in first-out queue with constant-time ends, small when it is empty. */

/** A queue. */
export class Deque<T> {
  #items: (T | undefined)[] = [];
  #head = 0;

  get length(): number {
    return this.#items.length - this.#head;
  }

  push(item: T): void {
    this.#items.push(item);
  }

  shift(): T | undefined {
    if (this.#head === this.#items.length) return undefined;
    const item = this.#items[this.#head];
    this.#items[this.#head] = undefined;
    this.#head += 1;
    if (this.#head === this.#items.length) {
      this.#items.length = 0;
      this.#head = 0;
    } else if (this.#head > 1_024 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }

  /** Puts an item before all others. */
  unshift(item: T): void {
    if (this.#head > 0) {
      this.#head -= 1;
      this.#items[this.#head] = item;
    } else {
      this.#items.unshift(item);
    }
  }

  /** Removes the first item that matches and answers it. */
  take(match: (item: T) => boolean): T | undefined {
    for (let index = this.#head; index < this.#items.length; index += 1) {
      const item = this.#items[index] as T;
      if (!match(item)) continue;
      this.#items.splice(index, 1);
      return item;
    }
    return undefined;
  }

  /** The items, oldest first. */
  values(): T[] {
    return this.#items.slice(this.#head) as T[];
  }

  clear(): void {
    this.#items.length = 0;
    this.#head = 0;
  }
}
