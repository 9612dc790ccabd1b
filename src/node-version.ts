/** Whether what runs this is a Node that the package supports. Written for one that is not: it loads nothing and uses nothing new. */

/** The oldest Node that the package runs on; package.json says the same. */
const oldest = [22, 19] as const;

/** What runs JavaScript, calls itself Node for the packages' sake, and is none: how each tells its version, and its name. */
const others = [
  ["bun", "Bun"],
  ["deno", "Deno"],
] as const;

/** The versions that a runtime tells of itself: Node's `process.versions`. */
export type RuntimeVersions = Readonly<Record<string, string | undefined>>;

/**
 * One sentence on a Node that is too old, or on another runtime; undefined when it is a Node that will do.
 * @param versions undefined where there is no `process`, as in a browser
 */
export function nodeProblem(versions: RuntimeVersions | undefined): string | undefined {
  const needed = `synapse-otp needs Node ${oldest.join(".")} or newer`;
  for (const [key, name] of others) {
    if (versions?.[key] !== undefined) return `${needed}; this is ${name} ${versions[key]}`;
  }
  if (versions?.node === undefined) return `${needed}; this is no Node`;
  const [major = 0, minor = 0] = versions.node.split(".").map(Number);
  if (major > oldest[0] || (major === oldest[0] && minor >= oldest[1])) return undefined;
  return `${needed}; this is Node ${versions.node}`;
}
