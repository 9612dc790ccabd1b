/** Names for the types of a generated file: each is given once, and the same definition has the same name wherever it is met. */

import { isSchemaObject } from "../agent/schema-node.ts";

/** Who writes the value: "read" is what an agent answers, "written" what the host gives. */
export type Direction = "read" | "written";

/** What a generated file declares or imports under a name, and what TypeScript keeps for itself. */
const taken: readonly string[] = [
  ...["Input", "Output", "Deps", "ToolArguments", "Event", "ToolCall", "contract"],
  ...["AgentContract", "Prompt", "RunEvent", "ToolCallOf", "Record", "Partial", "Array"],
  ..."any as asserts async await bigint boolean break case catch class const continue debugger declare default".split(
    " ",
  ),
  ..."delete do else enum export extends false finally for from function get if implements import in infer".split(" "),
  ..."instanceof interface is keyof let module namespace never new null number object of out package private".split(
    " ",
  ),
  ..."protected public readonly require return satisfies set static string super switch symbol this throw true".split(
    " ",
  ),
  ..."try type typeof undefined unique unknown using var void while with yield".split(" "),
];

/** The names of one file. */
export class TypeNames {
  readonly #taken = new Set(taken);
  readonly #given = new Map<string, string>();

  /**
   * The name of a definition, and whether it is new.
   * @param wanted the definition's own name
   * @param prefix goes before it where the name is taken
   */
  of(
    wanted: string,
    definition: { readonly schema: unknown; readonly root: unknown; readonly direction: Direction },
    prefix: string,
  ): { readonly name: string; readonly fresh: boolean } {
    const meaning = `${definition.direction} ${wanted} ${meaningOf(definition.schema, definition.root)}`;
    const known = this.#given.get(meaning);
    if (known !== undefined) return { name: known, fresh: false };
    const word = wanted.replaceAll(/\W+/g, "_").replace(/^(?=\d)|^$/, "_");
    const name = this.#free(word, prefix);
    this.#taken.add(name);
    this.#given.set(meaning, name);
    return { name, fresh: true };
  }

  #free(word: string, prefix: string): string {
    if (!this.#taken.has(word)) return word;
    const longer = `${prefix}${word.charAt(0).toUpperCase()}${word.slice(1)}`;
    let name = longer;
    for (let count = 2; this.#taken.has(name); count += 1) name = `${longer}${count}`;
    return name;
  }
}

/** A schema with everything that it refers to, as text: two that are equal mean the same. */
function meaningOf(schema: unknown, root: unknown): string {
  const definitions = isSchemaObject(root) && isSchemaObject(root.$defs) ? root.$defs : {};
  const found = new Map<string, unknown>();
  const left: unknown[] = [schema];
  // The list grows while it is read.
  for (const one of left) {
    if (Array.isArray(one)) left.push(...(one as unknown[]));
    else if (isSchemaObject(one)) {
      left.push(...Object.values(one));
      const reference = one.$ref;
      if (typeof reference !== "string" || found.has(reference)) continue;
      const target = definitions[reference.replace("#/$defs/", "")];
      found.set(reference, target);
      left.push(target);
    }
  }
  return JSON.stringify([schema, [...found].sort(([one], [other]) => (one < other ? -1 : 1))]);
}
