/** How large an environment is, for who has made one that the operating system does not take. */

/** Its size and its largest variable, without the value, which may be a secret. */
export function describeSize(env: Readonly<Record<string, string>>): string {
  const sizes = Object.entries(env).map(([name, value]) => ({ name, bytes: Buffer.byteLength(`${name}=${value}`) }));
  const total = sizes.reduce((sum, { bytes }) => sum + bytes, 0);
  const largest = sizes.reduce((most, one) => (one.bytes > most.bytes ? one : most), { name: "", bytes: 0 });
  return `its environment has ${total} bytes, ${largest.bytes} of them in ${largest.name}`;
}
