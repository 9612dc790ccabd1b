/** The tools of a run: those of its agent's definition, and its own before them. */

import { isRecord } from "../describe-value.ts";
import { invalidArgument } from "../errors.ts";
import { encodeJson } from "../rpc/json.ts";
import type { HostToolSpec } from "../rpc/run-types.ts";
import { checkTool, type Tool, type Tools } from "./tool.ts";

/** What every provider takes. */
const nameRule = /^[A-Za-z_][A-Za-z0-9_-]{0,63}$/;

/** Tools that have been checked. */
export class ToolSet {
  readonly #tools: ReadonlyMap<string, { readonly tool: Tool; readonly spec: HostToolSpec }>;

  private constructor(tools: ReadonlyMap<string, { readonly tool: Tool; readonly spec: HostToolSpec }>) {
    this.#tools = tools;
  }

  /**
   * Checks tools; a name that `base` has too is the new one's. Undefined where there are none at all.
   * @throws CallerError "invalid_argument" naming the tool, the field, the value and the rule
   */
  static of(field: string, tools: Tools | undefined, base?: ToolSet): ToolSet | undefined {
    if (tools === undefined) return base;
    if (!isRecord(tools)) {
      throw invalidArgument(field, tools, "an object of tools by their names");
    }
    const all = new Map(base?.all);
    for (const [name, tool] of Object.entries(tools)) {
      if (!nameRule.test(name)) {
        throw invalidArgument(`a name in ${field}`, name, "1 to 64 letters, digits, _ and -, the first no digit");
      }
      all.set(name, { tool, spec: specOf(name, tool, `${field}.${name}`) });
    }
    return all.size === 0 ? undefined : new ToolSet(all);
  }

  private get all(): ReadonlyMap<string, { readonly tool: Tool; readonly spec: HostToolSpec }> {
    return this.#tools;
  }

  /** What the worker is told of them. */
  get specs(): readonly HostToolSpec[] {
    return [...this.#tools.values()].map(({ spec }) => spec);
  }

  get(name: string): Tool | undefined {
    return this.#tools.get(name)?.tool;
  }
}

function specOf(name: string, tool: Tool, field: string): HostToolSpec {
  const parameters = checkTool(field, tool);
  return {
    name,
    description: tool.description,
    parametersSchemaJson: encodeJson(field, parameters),
    sequential: tool.sequential === true,
    requiresApproval: tool.needsApproval === true,
    timeoutMs: tool.timeoutMs,
  };
}
