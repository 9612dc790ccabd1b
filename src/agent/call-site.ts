/** Where a caller has asked for something that fails later, in a turn of its own: a stack of that turn would show none of the caller's code. */

/** A function that is left out of stacks, with all that it has called. */
type Called = abstract new (...given: never) => unknown;

/** The place of one call. It is cheap to make: its text is made when it is needed. */
export class CallSite {
  declare readonly stack?: string;

  /** @param called what the caller has called; its frames and those below are left out */
  constructor(called: Called) {
    Error.captureStackTrace(this, called);
  }

  /** Makes the caller's frames the stack of an error, which nobody else may have been given. */
  giveTo(error: Error): void {
    const frames = (this.stack ?? "").split("\n").filter((line) => /^\s+at /.test(line));
    if (frames.length > 0) error.stack = [`${error.name}: ${error.message}`, ...frames].join("\n");
  }
}
