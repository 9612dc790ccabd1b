/** Who may go on with a conversation: one run at a time, the others in the order that they have chosen. */

/** What becomes of a run while another one has the turn. */
export type WhenBusy = "queue" | "reject" | "interrupt";

/** A turn: the right to go on with one conversation. */
export interface Turn {
  /** Aborted when another run interrupts this one. */
  readonly interrupted: AbortSignal;
  /** Gives the turn to the next. Idempotent. */
  end(): void;
}

interface Waiting {
  begin(turn: Turn): void;
}

/** Where turns are taken. */
export interface TakesTurns {
  /** Whether somebody has the turn. */
  readonly busy: boolean;
  /**
   * Waits for the turn. With "interrupt" the run that has it is told to end, and this one is next.
   * @param ended gives up waiting; the promise rejects with its reason
   */
  take(how: "queue" | "interrupt", ended: AbortSignal): Promise<Turn>;
}

/** The turns of one conversation. */
export class Turns implements TakesTurns {
  readonly #waiting: Waiting[] = [];
  readonly #idle: () => void;
  #current: AbortController | undefined;

  /** @param idle called when nobody has or awaits the turn any more */
  constructor(idle: () => void) {
    this.#idle = idle;
  }

  get busy(): boolean {
    return this.#current !== undefined;
  }

  take(how: "queue" | "interrupt", ended: AbortSignal): Promise<Turn> {
    if (ended.aborted) return Promise.reject(ended.reason as Error);
    if (this.#current === undefined) return Promise.resolve(this.#begin());
    const { promise, resolve, reject } = Promise.withResolvers<Turn>();
    const giveUp = () => {
      this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
      reject(ended.reason as Error);
    };
    const waiting: Waiting = {
      begin(turn) {
        ended.removeEventListener("abort", giveUp);
        resolve(turn);
      },
    };
    ended.addEventListener("abort", giveUp, { once: true });
    if (how === "queue") this.#waiting.push(waiting);
    else {
      this.#waiting.unshift(waiting);
      this.#current.abort(new DOMException("a later run of the conversation has interrupted it", "AbortError"));
    }
    return promise;
  }

  #begin(): Turn {
    const controller = new AbortController();
    this.#current = controller;
    const end = () => {
      if (this.#current !== controller) return;
      this.#current = undefined;
      const next = this.#waiting.shift();
      if (next === undefined) this.#idle();
      else next.begin(this.#begin());
    };
    return { interrupted: controller.signal, end };
  }
}
