/** What a worker has told of its way out, in one sentence for the record of its kill. */

/** The last words of a worker that does not end. */
export class HoldUp {
  #phase: string | undefined;
  #heldBy: readonly string[] | undefined;

  /** Whether it has said itself what holds it up. */
  get told(): boolean {
    return this.#heldBy !== undefined;
  }

  /** It has begun with this. */
  enter(phase: string): void {
    this.#phase = phase;
  }

  /** It will not end in time; each line is a thread or a task, and the place in its code. */
  overdue(heldBy: readonly string[]): void {
    this.#heldBy = heldBy;
  }

  /** The sentence. */
  describe(): string {
    if (this.#phase === undefined)
      return "it had not begun to end when its time was over: its interpreter is busy or stopped";
    const held = this.#heldBy ?? [];
    const by = held.length === 0 ? "" : `; held up by ${held.join("; ")}`;
    return `its last phase was "${this.#phase}"${by}`;
  }
}
