/** Reads the examples out of a Markdown page. */

/** An example: a program, and what it prints when the page says so. */
export interface Example {
  /** "README.md:37": the page and the line on which the program begins. */
  readonly name: string;
  readonly code: string;
  /** The block of type text that follows; undefined when another kind of text follows. */
  readonly prints: string | undefined;
}

/** Every block of type ts, with the block of type text that follows it directly. */
export function readExamples(page: string, markdown: string): Example[] {
  const blocks = /^```ts\n([\s\S]*?)^```\n(?:\n```text\n([\s\S]*?)^```$)?/gm;
  return [...markdown.matchAll(blocks)].map(({ 1: code = "", 2: prints, index }) => ({
    name: `${page}:${markdown.slice(0, index).split("\n").length + 1}`,
    code,
    prints,
  }));
}
