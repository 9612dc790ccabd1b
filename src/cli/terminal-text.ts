/** Texts, sizes and durations in the columns of a terminal. */

/** A text of exactly this width; `keep`: the characters at its end that stay. */
export function cut(text: string, width: number, keep = 0): string {
  const characters = [...text];
  if (characters.length <= width) return text.padEnd(width);
  const end = keep === 0 ? [] : characters.slice(-keep);
  return `${characters.slice(0, width - 1 - end.length).join("")}…${end.join("")}`;
}

/** A size in at most six characters. */
export function sizeText(bytes: number): string {
  const megabytes = bytes / 1024 ** 2;
  return megabytes < 1_000 ? `${Math.round(megabytes)}MiB` : `${(megabytes / 1024).toFixed(1)}GiB`;
}

const units = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["min", 60_000],
  ["s", 1_000],
] as const;

/** A duration in its two largest units. */
export function durationText(ms: number): string {
  const parts: string[] = [];
  let left = Math.max(0, ms);
  for (const [unit, size] of units) {
    const count = Math.floor(left / size);
    left -= count * size;
    if (count > 0 || unit === "s") parts.push(`${count} ${unit}`);
  }
  return parts.slice(0, 2).join(" ");
}
