/** Next.js bundles the package as it is: no `serverExternalPackages`. */

import { spawn } from "node:child_process";
import { cpSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { beforeAll, describe, expect, test } from "vitest";
import { packedEntry, userEnvironment } from "../e2e/user-programs.ts";
import { readPageFiles } from "./page-files.ts";
import { createProject, titled, type UserProject, whatIsMissing } from "./user-project.ts";

const tools = ["next@16", "react", "react-dom"];
const missing = await whatIsMissing(...tools);
const serverReadyMs = 60_000;

const shown = readPageFiles("deploy.md");

const files = {
  "app/layout.jsx": "export default ({ children }) => <html><body>{children}</body></html>;\n",
  "app/page.jsx": "export default () => <p>a page</p>;\n",
  "app/system.js": shown["app/system.js"] ?? "",
  "app/api/ask/route.js": shown["app/api/ask/route.js"] ?? "",
  "app/api/stop/route.js": `
import { system } from "../../system.js";

export const dynamic = "force-dynamic";

export async function GET() {
  await (await system()).stop();
  return new Response("stopped");
}
`,
  "next.config.mjs": "export default { output: process.env.OUTPUT, turbopack: { root: import.meta.dirname } };\n",
};

describe.skipIf(missing !== undefined)(titled("Next.js 16", missing), () => {
  let project: UserProject;
  beforeAll(async () => {
    project = await createProject(tools);
    project.write(files);
  });
  const next = join("node_modules", "next", "dist", "bin", "next");

  async function build(args: readonly string[] = [], output?: string): Promise<void> {
    const { status, stdout, stderr } = await project.node([next, "build", ...args], {
      ...agentOf(project),
      OUTPUT: output,
    });
    expect(`${stdout}\n${stderr}`).not.toMatch(/warn|⚠|error|not found/i);
    expect(status).toBe(0);
  }

  test.each([
    ["Turbopack", []],
    ["webpack", ["--webpack"]],
  ] as const)("a route handler runs an agent, built by %s", async (_name, args) => {
    await build(args);
    await expectAnswers(project, [next, "start", "--port", "0"], project.directory);
  });

  test("a standalone server runs an agent that is named by an absolute path", async () => {
    await build([], "standalone");
    const server = join(project.directory, "standalone");
    cpSync(join(project.directory, ".next", "standalone"), server, { recursive: true, verbatimSymlinks: true });
    await expectAnswers(project, ["server.js"], server);
  });
});

/** The agent's entry by its absolute path: a standalone server has a working directory of its own. */
function agentOf({ directory }: UserProject) {
  return { AGENT_ENTRY: join(directory, packedEntry) };
}

/** Starts a server, asks it and ends it as a service manager would. */
async function expectAnswers(project: UserProject, args: readonly string[], cwd: string): Promise<void> {
  const child = spawn(process.execPath, args, {
    cwd,
    env: {
      ...userEnvironment,
      ...agentOf(project),
      PORT: "0",
      HOSTNAME: "127.0.0.1",
      NEXT_TELEMETRY_DISABLED: "1",
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const ended = new Promise<number | null>((resolve) => child.once("exit", resolve));
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const deadline = setTimeout(() => child.kill("SIGKILL"), serverReadyMs);
  try {
    const address = await readAddress(child.stdout);
    const ask = async (path: string) => {
      const response = await fetch(`${address}${path}`);
      return `${response.status} ${await response.text()}`;
    };
    expect(await ask("/api/ask?q=Hello"), stderr).toBe("200 Hello from Python! You said: Hello");
    expect(await ask("/api/ask?q=again"), stderr).toBe("200 Hello from Python! You said: again");
    expect(await ask("/api/stop"), stderr).toBe("200 stopped");
  } finally {
    clearTimeout(deadline);
    child.kill("SIGTERM");
    await ended;
  }
  expect(stderr).toBe("");
}

/** The address that the server says it listens at. */
async function readAddress(stdout: NodeJS.ReadableStream): Promise<string> {
  const lines: string[] = [];
  for await (const line of createInterface({ input: stdout })) {
    lines.push(line);
    const address = /Local: +http:\/\/[^:]+:(\d+)/.exec(line)?.[1];
    if (address === undefined) continue;
    stdout.resume();
    return `http://127.0.0.1:${address}`;
  }
  throw new Error(`the server has ended before it listened:\n${lines.join("\n")}`);
}
