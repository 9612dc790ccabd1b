/** Pieces of TypeScript as text: keys, literals, comments. */

/** Characters on a line, where the text can be broken. */
const lineWidth = 100;

/** A property's name as it stands before a colon. */
export function keyText(name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name);
}

/** A JSON value as a literal, its lines after the first one indented by so many spaces. */
export function literalText(value: unknown, indent = 0): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const pad = " ".repeat(indent + 2);
  const end = " ".repeat(indent);
  if (!Array.isArray(value)) {
    const fields = Object.entries(value);
    if (fields.length === 0) return "{}";
    const short = `{ ${fields.map(([key, field]) => `${literalKey(key)}: ${literalText(field)}`).join(", ")} }`;
    if (fields.every(([, field]) => typeof field !== "object") && indent + short.length <= lineWidth) return short;
    const lines = fields.map(([key, field]) => `${pad}${literalKey(key)}: ${literalText(field, indent + 2)},\n`);
    return `{\n${lines.join("")}${end}}`;
  }
  const items = value.map((item) => literalText(item, indent + 2));
  const line = `[${items.join(", ")}]`;
  if (!line.includes("\n") && indent + line.length <= lineWidth) return line;
  return `[\n${items.map((item) => `${pad}${item},\n`).join("")}${end}]`;
}

/** In a literal this name, quoted or not, is no property. */
function literalKey(key: string): string {
  return key === "__proto__" ? '["__proto__"]' : keyText(key);
}

/** A doc comment with the line break after it; nothing where there is nothing to say. */
export function docText(paragraphs: readonly (string | undefined)[], indent = 0): string {
  const lines = paragraphs
    .filter((text) => text !== undefined && text.trim() !== "")
    .flatMap((text, index) => [...(index === 0 ? [] : [""]), ...(text as string).trim().split("\n")])
    // What would end the comment is broken by a backslash.
    .map((line) => line.trimEnd().replaceAll("*/", "*\\/"));
  const pad = " ".repeat(indent);
  if (lines.length === 0) return "";
  if (lines.length === 1) return `${pad}/** ${lines[0]} */\n`;
  return `${pad}/**\n${lines.map((line) => `${pad} *${line === "" ? "" : ` ${line}`}\n`).join("")}${pad} */\n`;
}
