/** What the package says to a Node that is too old, and to what is no Node. */

import { describe, expect, test } from "vitest";
import { createProject, titled, whatIsMissing } from "./user-project.ts";

const { platform, arch } = process;
const node = `node-${platform}-${arch}`;
const cpu = arch === "arm64" ? "aarch64" : arch;
const bun = `@oven/bun-${platform}-${cpu}`;
const deno = `@deno/${platform}-${arch}${platform === "linux" ? "-glibc" : ""}`;

/** The package that has the program, the program in it with its first arguments, and what it calls itself. */
const runtimes = [
  { name: `${node}@20`, program: `${node}/bin/node`, first: [], version: "Node 20" },
  { name: `${node}@22.18`, program: `${node}/bin/node`, first: [], version: "Node 22.18" },
  { name: `${bun}@1`, program: `${bun}/bin/bun`, first: [], version: "Bun 1" },
  { name: `${deno}@2`, program: `${deno}/deno`, first: ["run", "--allow-all"], version: "Deno 2" },
];

const missingOf = new Map<string, string | undefined>();
for (const { name } of runtimes) missingOf.set(name, await whatIsMissing(name));

describe.each(runtimes)("$version", ({ name, program, first, version }) => {
  const missing = missingOf.get(name);
  test.skipIf(missing !== undefined)(titled("is told by every door, and by the command", missing), async () => {
    const project = await createProject([name]);
    const run = (file: string) => project.run(`node_modules/${program}`, [...first, file], { NO_COLOR: "1" });
    const sentence = `synapse-otp needs Node 22.19 or newer; this is ${version}`;
    for (const door of ["synapse-otp", "synapse-otp/otp", "synapse-otp/testing"]) {
      project.write({ "main.mjs": `import "${door}";\n` });
      const { status, stderr } = await run("main.mjs");
      expect(stderr).toContain(sentence);
      expect(stderr).not.toMatch(/TypeError|SyntaxError/);
      expect(status).toBe(1);
    }
    const { status, stderr } = await run("node_modules/synapse-otp/dist/cli/main.js");
    expect(stderr).toMatch(new RegExp(`^${sentence}[0-9.]*\n$`));
    expect(status).toBe(1);
  });
});
