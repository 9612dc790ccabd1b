/** In hosts of their own: what is tested is what stands on their stderr. */

import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import { root } from "../../structure/source.ts";

/** Runs a program that imports the core, and answers what it wrote to stderr and its exit code. */
async function host(program: string): Promise<{ code: number | null; lines: string[] }> {
  const source = `import { exit, exited, setDefaultReporter, spawn, startSupervisor } from "./src/otp/index.ts";\n${program}`;
  const args = ["--input-type=module", "-e", source];
  const child = spawn(process.execPath, args, { cwd: root, stdio: ["ignore", "ignore", "pipe"], timeout: 20_000 });
  const code = new Promise<number | null>((resolve) => child.on("close", resolve));
  const stderr = await text(child.stderr);
  return { code: await code, lines: stderr.split("\n").filter((line) => line !== "") };
}

test("a crash that nobody is told of is one line on stderr, with its place", async () => {
  const { code, lines } = await host(`
    const broken = spawn(() => { throw new Error("the\\nfirst crash"); });
    await exited(broken);
    await exited(spawn(() => undefined));
  `);
  expect(code).toBe(0);
  expect(lines).toEqual([expect.stringMatching(/^synapse: <\d+> process crashed: Error: the\\nfirst crash at .+:\d+/)]);
});

test("a root that gives up is one line on stderr", async () => {
  const { code, lines } = await host(`
    const supervisor = await startSupervisor({
      id: "root", maxRestarts: 0, children: [{ id: "child", start: () => spawn(({ receive }) => receive()) }],
    });
    exit(supervisor.whichChild("child").ref, "worn out");
    await supervisor.ended;
  `);
  expect(code).toBe(0);
  expect(lines).toEqual([
    'synapse: supervisor "root" gave up at child "child": restart 1 within 5000 ms exceeds maxRestarts 0; last: worn out',
  ]);
});

test("a policy that fails is one line on stderr", async () => {
  const { code, lines } = await host(`
    const policy = () => { throw new Error("a policy's mistake"); };
    const child = { id: "child", restart: "temporary", start: () => spawn(({ receive }) => receive()), policy };
    const supervisor = await startSupervisor({ id: "root", children: [child] });
    const { ref } = supervisor.whichChild("child");
    exit(ref, "shutdown");
    await exited(ref);
    await supervisor.stop();
  `);
  expect(code).toBe(0);
  expect(lines).toEqual([
    `synapse: a policy of supervisor "root" failed at child "child": the policy threw: Error: a policy's mistake`,
  ]);
});

test("another reporter takes its place, and nobody can", async () => {
  const { lines } = await host(`
    const told = [];
    setDefaultReporter(({ type }) => told.push(type));
    await exited(spawn(() => { throw new Error("told"); }));
    setDefaultReporter(undefined);
    await exited(spawn(() => { throw new Error("silent"); }));
    process.stderr.write(told.join() + "\\n");
  `);
  expect(lines).toEqual(["process.crashed"]);
});

test("a storm of crashes is at most 20 lines a second", async () => {
  const { lines } = await host(`
    for (let n = 0; n < 500; n += 1) spawn(() => { throw new Error("one of many"); });
  `);
  expect(lines.length).toBeGreaterThanOrEqual(20);
  expect(lines.length).toBeLessThan(100);
});

test("a stderr that nobody reads does not end the host", async () => {
  const program = `
    import { exited, spawn } from "./src/otp/index.ts";
    await new Promise((resolve) => process.stdin.once("data", resolve));
    for (let n = 0; n < 5; n += 1) await exited(spawn(() => { throw new Error("unread"); }));
    process.stdout.write("alive");
    process.exit(0);
  `;
  const child = spawn(process.execPath, ["--input-type=module", "-e", program], { cwd: root, timeout: 20_000 });
  const code = new Promise<number | null>((resolve) => child.on("close", resolve));
  child.stderr.destroy();
  child.stdin.write("go");
  expect(await text(child.stdout)).toBe("alive");
  expect(await code).toBe(0);
});
