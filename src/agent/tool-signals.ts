/** What a tool throws to tell the model something, as pydantic-ai's own exceptions of these names. Any other error ends the run. */

/** Which signal a value is, in every copy of the package alike. */
const brand = Symbol.for("synapse-otp.tool-signal");

function isSignal(name: string, value: unknown): boolean {
  return typeof value === "object" && value !== null && (value as { [brand]?: unknown })[brand] === name;
}

/** Thrown by a tool: the model is told the message, and may call the tool again. It counts as one of the tool's retries. */
export class ModelRetry extends Error {
  override readonly name = "ModelRetry";
  readonly [brand] = "ModelRetry";

  /** Also true for one of another copy of this package. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return isSignal("ModelRetry", value);
  }
}

/** Thrown by a tool: the model is told that it has failed, and the run goes on. */
export class ToolFailed extends Error {
  override readonly name = "ToolFailed";
  readonly [brand] = "ToolFailed";

  /** Also true for one of another copy of this package. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return isSignal("ToolFailed", value);
  }
}
