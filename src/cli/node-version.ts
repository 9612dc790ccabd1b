/** Whether this Node can run the commands. Written for a Node that cannot. */

/** The oldest Node that the package runs on; package.json says the same. */
const oldest = [22, 19] as const;

/** One sentence on a Node that is too old; undefined when it is not. */
export function nodeProblem(version: string): string | undefined {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major > oldest[0] || (major === oldest[0] && minor >= oldest[1])) return undefined;
  return `synapse-otp needs Node ${oldest.join(".")} or newer; this is Node ${version}`;
}
