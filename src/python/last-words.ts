/** What a Python that ended said of it: of the lines on its stderr, the one that tells why. */

/** "ModuleNotFoundError: No module named 'encodings'", also in a package, and the interpreter's own fatal errors. */
const exceptionLine = /^(?:[\w.]*(?:Error|Exception|Exit|Interrupt|Warning|Failure)(?::\s.+|$)|Fatal Python error: .+)/;

/**
 * The last line that names an exception, else the last line that has something in it. After an exception that ends it at start-up, Python
 * prints a stack without a frame ("<no Python frame>"), which tells nothing.
 * @returns undefined when nothing was said
 */
export function lastWordsOf(lines: readonly string[]): string | undefined {
  const said = lines.map((line) => line.trim()).filter((line) => line !== "");
  return said.findLast((line) => exceptionLine.test(line)) ?? said.at(-1);
}
