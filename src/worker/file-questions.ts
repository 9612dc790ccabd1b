/** The questions of a host, which files its worker has imported. */

import { importsLine } from "./handshake.ts";

/** The questions which files a worker has imported, until they are answered in order or the worker is gone. */
export class FileQuestions {
  readonly #open: ((files: readonly string[]) => void)[] = [];
  #closed = false;

  /** Asks once more, with a line that is sent. A worker that is gone has no files. */
  ask(send: (line: string) => void): Promise<readonly string[]> {
    if (this.#closed) return Promise.resolve([]);
    const { promise, resolve } = Promise.withResolvers<readonly string[]>();
    this.#open.push(resolve);
    send(importsLine());
    return promise;
  }

  /** The answer to the oldest question. */
  answer(files: readonly string[]): void {
    this.#open.shift()?.(files);
  }

  /** Nobody answers any more. */
  close(): void {
    this.#closed = true;
    for (const resolve of this.#open.splice(0)) resolve([]);
  }
}
