/** A line as an object. */

/** The object that a line holds; an empty one for a line that holds none: it then means nothing to anybody. */
export function parseLine(line: string): object {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null ? value : {};
  } catch {
    return {}; // A stranger's, or of a module that writes to fd 3.
  }
}
