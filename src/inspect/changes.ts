/** What has changed of many values that are looked at again and again. */

/** Values by their names, as they were told the last time. */
export class Changes<T> {
  readonly #nameOf: (value: T) => string;
  readonly #told = new Map<string, { readonly text: string; readonly value: T }>();

  constructor(nameOf: (value: T) => string) {
    this.#nameOf = nameOf;
  }

  /** All, as they were told. */
  get all(): T[] {
    return [...this.#told.values()].map(({ value }) => value);
  }

  /** Those that are new or otherwise than before, and the names of those that are gone. */
  since(values: Iterable<T>): { readonly changed: T[]; readonly removed: string[] } {
    const changed: T[] = [];
    const gone = new Set(this.#told.keys());
    for (const value of values) {
      const name = this.#nameOf(value);
      gone.delete(name);
      const text = JSON.stringify(value);
      if (this.#told.get(name)?.text === text) continue;
      this.#told.set(name, { text, value });
      changed.push(value);
    }
    for (const name of gone) this.#told.delete(name);
    return { changed, removed: [...gone] };
  }

  /** Nothing counts as told. */
  clear(): void {
    this.#told.clear();
  }
}
