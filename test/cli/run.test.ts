import { describe, expect, test } from "vitest";
import { readRecording } from "../../src/inspect/record.ts";
import { doors, runProgram, scriptFolder } from "../script/script-process.ts";

const imports = `
import { defineSystem, exponentialBackoff } from ${JSON.stringify(doors.main)};
import { fromGenServer } from ${JSON.stringify(doors.otp)};
`;

/** A system with one server, which tells when it begins and ends. */
const server = `${imports}
const logic = fromGenServer({
  init: () => (console.log("it begins"), { state: 0 }),
  handleInfo: (_message, state) => ({ state }),
  terminate: () => console.log("it ends"),
  trapExit: true,
});
`;

const quiet = (fields = "") => `${imports}\nexport default defineSystem({ name: "answers", ${fields} });\n`;

describe("a script that is run", () => {
  test.each(["SIGTERM", "SIGINT"] as const)("stays alive, and %s stops it in order, with code 0", async (signal) => {
    const { path } = scriptFolder({
      "tree.ts": `${server}\nexport default defineSystem({ children: [{ id: "one", logic }] as const satisfies unknown[] });`,
    });
    const run = runProgram(["run", path("tree.ts")]);
    await run.said(/"system" runs with 0 agents \(pid \d+\)/);
    run.child.kill(signal);
    const { code, out, error } = await run.ended;
    expect({ code, error }).toEqual({ code: 0, error: "" });
    expect(out.split("\n")).toEqual([
      "it begins",
      expect.stringMatching(/^"system" runs/),
      "stopping",
      "it ends",
      "stopped",
      "",
    ]);
  });

  test("ends with 1, and the reason on stderr, when its root gives up", async () => {
    const { path } = scriptFolder({
      "tree.mjs": `${imports}
        const logic = fromGenServer({
          init: () => ({ state: 0, continue: "now" }),
          handleContinue: () => { throw new Error("it broke"); },
        });
        export default defineSystem({ maxRestarts: 0, children: [{ id: "one", logic }] });`,
    });
    const { code, out, error } = await runProgram(["run", path("tree.mjs")]).ended;
    expect(code).toBe(1);
    expect(out).toMatch(/^"system" runs/);
    expect(error).toMatch(
      /the system has given up: restart 1 within 5000 ms exceeds maxRestarts 0; last was system\/one, .*it broke/,
    );
    // The default logger.
    expect(error).toMatch(/"level":50.*system gives up/);
  });

  test("--json tells what happens as objects", async () => {
    const { path } = scriptFolder({ "tree.ts": quiet() });
    const run = runProgram(["run", path("tree.ts"), "--json"]);
    await run.said("started");
    run.child.kill("SIGTERM");
    const { out } = await run.ended;
    const pid = run.child.pid;
    expect(
      out
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line)),
    ).toEqual([{ type: "started", system: "answers", pid, agents: 0 }, { type: "stopping" }, { type: "stopped" }]);
  });
});

describe("a script that cannot be run ends with 1 and says why", () => {
  const failing = async (name: string, text: string, node: string[] = []) => {
    const { path } = scriptFolder({ [name]: text });
    const { code, out, error } = await runProgram(["run", path(name)], { node }).ended;
    expect({ code, out }).toEqual({ code: 1, out: "" });
    return error;
  };

  test.each([
    [
      "no default export",
      "export const a = 1;",
      "has no default export; it must be a system: export default defineSystem({ … })",
    ],
    ["another default export", "export default { children: [] };", "as default; it must be a system"],
    ["a promise", "export default Promise.resolve({ id: 1 });", "exports a promise as default; it must be a system"],
    [
      "an error of its own",
      `throw new Error("it broke");`,
      /cannot be loaded: Error: it broke\n {4}at .*tree\.ts:1:7\)\n$/,
    ],
    ["a mistake of syntax", "export default ;", /cannot be loaded: [\s\S]*tree\.ts:1\n[\s\S]*SyntaxError/],
    ["an import that is not there", `import "./nowhere.ts";`, /cannot be loaded: Error \[ERR_MODULE_NOT_FOUND\]/],
    ["options that break a rule", quiet("maxRestarts: -1"), "options.maxRestarts is -1"],
    ["TypeScript that needs a compiler", "enum A { b }", "write it without enums, namespaces and parameter properties"],
  ])("%s", async (_what, text, message) => {
    const error = await failing("tree.ts", text);
    if (typeof message === "string") expect(error).toContain(message);
    else expect(error).toMatch(message);
    expect(error).not.toContain("node:internal");
  });

  test("no such file", async () => {
    const { code, error } = await runProgram(["run", "/nowhere/tree.ts"]).ended;
    expect({ code, error }).toEqual({ code: 1, error: '[not_found] there is no file "/nowhere/tree.ts"\n' });
  });

  test("a Node that is too old says what to do for TypeScript", async () => {
    const pretend = "data:text/javascript,Object.defineProperty(process.versions, 'node', { value: '20.20.2' })";
    const error = await failing("tree.ts", quiet(), ["--import", pretend]);
    expect(error).toBe(
      "synapse-otp needs Node 22.19 or newer; this is Node 20.20.2\n" +
        "such a Node runs TypeScript too, without a compiler: get it from nodejs.org, or by a version manager (nvm install 24)\n",
    );
  });
});

describe("a script that is watched", () => {
  const begin = async (files: Record<string, string>) => {
    const script = scriptFolder(files);
    const run = runProgram(["run", script.path("tree.ts"), "--watch"]);
    await run.said(/runs with/);
    const stop = () => {
      run.child.kill("SIGTERM");
      return run.ended;
    };
    return { ...script, ...run, stop };
  };

  test("is evaluated anew when a module that it imports has changed: what it makes itself is another, and the system restarts in order", async () => {
    const { write, said, stop } = await begin({
      "tree.ts": `${server}
        import { policy } from "./policy.ts";
        export default defineSystem({ children: [{ id: "one", logic, policy }] });`,
      "policy.ts": `${imports}\nexport const policy = exponentialBackoff({ firstMs: 10 });`,
      "package.json": `{ "type": "module" }`,
    });
    write("policy.ts", `${imports}\nexport const policy = exponentialBackoff({ firstMs: 20 });`);
    // The script, which imports it, is evaluated anew: its logic is another one.
    await said("the system restarts, because options.children[0].logic.getInitialSnapshot differs");
    await said(/runs with[\s\S]*it begins[\s\S]*runs with/);
    const { code, out } = await stop();
    expect(code).toBe(0);
    expect(out.match(/it begins/g)).toHaveLength(2);
    expect(out.match(/it ends/g)).toHaveLength(2);
  });

  test("keeps what a module that has not changed has made", async () => {
    const tree = (ms: number) => `
      import { defineSystem, exponentialBackoff } from ${JSON.stringify(doors.main)};
      import { logic } from "./server.ts";
      export default defineSystem({ children: [{ id: "one", logic, policy: exponentialBackoff({ firstMs: ${ms} }) }] });`;
    const { write, said, stop } = await begin({ "tree.ts": tree(10), "server.ts": `${server}\nexport { logic };` });
    write("tree.ts", tree(20));
    await said("reloaded: new policies at system/one");
    write("tree.ts", `${tree(20)}\n// no more than a comment`);
    await said("reloaded: nothing of the system has changed");
    const { out } = await stop();
    expect(out.match(/it begins/g)).toHaveLength(1);
  });

  test("goes on with its recording, whatever has changed", async () => {
    const tree = (more: string) => `${imports}
      import { logic } from "./server.ts";
      import { record } from ${JSON.stringify(doors.inspect)};
      const inspect = record({ file: new URL("run.jsonl", import.meta.url).pathname });
      export default defineSystem({ inspect, children: [{ id: "one", logic }], ${more} });`;
    const { path, write, said, stop } = await begin({
      "tree.ts": tree("policy: exponentialBackoff({ firstMs: 10 })"),
      "server.ts": `${server}\nexport { logic };`,
    });
    write("tree.ts", tree("policy: exponentialBackoff({ firstMs: 20 })"));
    await said("reloaded: new policies at system");
    write("tree.ts", tree('name: "renamed"'));
    await said("the system restarts, because options.name differs");
    await said(/"renamed" runs with/);
    await stop();
    const told: string[] = [];
    for await (const message of readRecording(path("run.jsonl"))) {
      if (message.type === "header") told.push(`header of ${message.system}`);
      else if (message.type === "end") told.push("end");
    }
    expect(told).toEqual(["header of system", "end", "header of renamed", "end"]);
  });

  test("gives a supervisor that is restarted the policies that were set since", async () => {
    const tree = (word: string) => `
      import { defineSupervisor, defineSystem } from ${JSON.stringify(doors.main)};
      import { logic } from "./server.ts";
      const policy = (state) => {
        console.log("${word} is asked");
        return { decision: { type: "give_up", because: "it says so" }, state };
      };
      const team = defineSupervisor({ id: "team", policy, children: [{ id: "one", logic }] });
      export default defineSystem({ maxRestarts: 9, children: [team] });`;
    const { write, said, child, stop } = await begin({
      "tree.ts": tree("the first"),
      "server.ts": `
        import { exit, fromGenServer, self } from ${JSON.stringify(doors.otp)};
        let current;
        let begun = 0;
        export const logic = fromGenServer({
          init: () => { current = self(); console.log("incarnation", ++begun); return { state: 0 }; },
        });
        process.on("SIGUSR2", () => exit(current, "kill"));`,
    });
    write("tree.ts", tree("the second"));
    await said("reloaded: new policies at system/team");
    for (const incarnation of [2, 3]) {
      child.kill("SIGUSR2");
      await said(`incarnation ${incarnation}`);
    }
    const { out } = await stop();
    expect(out.match(/the \w+ is asked/g)).toEqual(["the second is asked", "the second is asked"]);
  });

  test("goes on when it cannot be loaded, and says so; what mends it is followed", async () => {
    const { write, said, stop } = await begin({ "tree.ts": quiet() });
    write("tree.ts", `import "./missing.ts";\n${quiet("maxCrashes: 5")}`);
    await said(/cannot be loaded: [\s\S]*missing\.ts[\s\S]*the system that runs goes on/);
    write("missing.ts", "export {};");
    await said("the system restarts, because options.maxCrashes differs");
    await said(/restarts[\s\S]*runs with/);
    expect((await stop()).code).toBe(0);
  });

  test("that gives up waits for a change", async () => {
    const tree = (broken: boolean) => `${imports}
      const logic = fromGenServer({
        init: () => ({ state: 0, continue: "now" }),
        handleContinue: () => { if (${broken}) throw new Error("it broke"); return { state: 0 }; },
      });
      export default defineSystem({ maxRestarts: 0, children: [{ id: "one", logic }] });`;
    const { write, said, stop } = await begin({ "tree.ts": tree(true) });
    await said("the system has given up");
    write("tree.ts", tree(false));
    await said(/runs with[\s\S]*runs with/);
    expect((await stop()).code).toBe(0);
  });
});
