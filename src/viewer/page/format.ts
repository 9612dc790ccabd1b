/** Numbers as the page shows them: short, and never without their unit. */

/** A count with its noun: "1 restart", "1.2k tokens". */
export function count(value: number, one: string, many = `${one}s`): string {
  return `${short(value)} ${value === 1 ? one : many}`;
}

/** A number of at most four places. */
export function short(value: number): string {
  if (value >= 999_500) return `${(value / 1_000_000).toFixed(value >= 9_950_000 ? 0 : 1)}M`;
  if (value >= 9_995) return `${Math.round(value / 1_000)}k`;
  if (value >= 1_000) return `${(value / 1_000).toFixed(1)}k`;
  return String(Math.round(value));
}

/** A duration: "45 ms", "1.2 s", "3 min". */
export function duration(ms: number): string {
  if (ms < 1) return "<1 ms";
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(ms < 10_000 ? 1 : 0)} s`;
  if (ms < 3_600_000) return `${Math.round(ms / 60_000)} min`;
  return `${(ms / 3_600_000).toFixed(1)} h`;
}

/** Memory: "57 MiB". */
export function bytes(value: number): string {
  const mib = value / (1024 * 1024);
  if (mib >= 1_024) return `${(mib / 1_024).toFixed(1)} GiB`;
  return mib >= 1 ? `${Math.round(mib)} MiB` : `${Math.round(value / 1_024)} KiB`;
}

/** A time of day with milliseconds. */
export function clockTime(atMs: number): string {
  const at = new Date(atMs);
  const two = (part: number) => String(part).padStart(2, "0");
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}.${String(at.getMilliseconds()).padStart(3, "0")}`;
}

/** A value of a context in short. */
export function plain(value: unknown): string {
  if (typeof value === "string") return value;
  return JSON.stringify(value) ?? "none";
}

/** The value of a state as one word or dotted path. */
export function stateName(value: unknown, status = "active"): string {
  if (typeof value === "string") return value;
  if (typeof value !== "object" || value === null) return status;
  return Object.entries(value)
    .map(([name, inner]) => {
      const below = stateName(inner, "");
      return below === "" ? name : `${name}.${below}`;
    })
    .join(" + ");
}
