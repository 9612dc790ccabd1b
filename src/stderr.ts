/** Lines on stderr, for what nobody has taken. This file imports nothing: every room may import it. */

let pending = 0;

/** Writes to stderr. A stderr that is closed does not end the host: nobody reads it. */
export function writeToStderr(text: string): void {
  const { stderr } = process;
  if (pending === 0) stderr.on("error", ignore);
  pending += 1;
  stderr.write(text, () => {
    // A failed write calls back before it emits its error.
    setImmediate(() => {
      pending -= 1;
      if (pending === 0) stderr.off("error", ignore);
    });
  });
}

function ignore(): void {
  // Nobody reads it: there is nobody to tell.
}
