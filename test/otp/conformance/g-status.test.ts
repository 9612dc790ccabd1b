/** Rows G74 to G83 and G93: what is shown of a server, in inspection and in reports, and state without callbacks. */

import { describe, expect, test } from "vitest";
import { processInfo, setLabel } from "../../../src/otp/process/process-info.ts";
import { formatReport } from "../../../src/otp/report/format-report.ts";
import { call, cast } from "../../../src/otp/request/call.ts";
import { stop } from "../../../src/otp/request/stop.ts";
import { getState, getStatus, resume, suspend } from "../../../src/otp/request/sys.ts";
import {
  castCell,
  readAndUpdateCell,
  readCell,
  startCell,
  startCellLink,
  updateCell,
} from "../../../src/otp/server/cell.ts";
import { fromGenServer } from "../../../src/otp/server/gen-server.ts";
import { exited, isAlive } from "../../../src/otp/start/names.ts";
import { start } from "../../../src/otp/start/start.ts";
import { createKernel, createTable, failure, quiet } from "../kernel.ts";

const vault = fromGenServer({
  name: "vault",
  init: (secret: string) => ({ state: { secret, opened: 0 } }),
  handleCall: (message: { key: string } | "label", state) => {
    if (message === "label") {
      setLabel("vault of the bank");
      return { reply: "ok" };
    }
    if (message.key !== state.secret) throw new Error(`"${message.key}" does not open it`);
    return { reply: "open", state: { ...state, opened: state.opened + 1 } };
  },
  handleCast: (opened: number, state) => ({ state: { ...state, opened } }),
  formatStatus: ({ state, message, reason }) => ({
    state: { ...state, secret: "hidden" },
    ...(message === undefined ? {} : { message: "a message with a key" }),
    ...(reason instanceof Error ? { reason: new Error("hidden reason") } : {}),
  }),
});

describe.each(["local", "ref", "via"])("a server named by %s", (kind) => {
  async function started() {
    const kernel = createKernel();
    const table = createTable();
    const name = kind === "local" ? "vault" : kind === "via" ? { via: table, key: { of: "terms" } } : undefined;
    const ref = await kernel.run(async () => start(vault, { name, input: "sesame" }));
    return { ...kernel, ref, target: kind === "ref" || name === undefined ? ref : name };
  }

  test("G74 its status shows that it runs, its parent, and the formatted state (adapted: getStatus, and formatStatus redacts)", async () => {
    const { run, ref, target } = await started();
    await run(async ({ self }) => {
      expect(await getStatus(target)).toEqual({
        process: String(ref),
        label: "vault",
        name: kind === "local" ? "vault" : undefined,
        status: "running",
        parent: expect.objectContaining({ status: "dead" }),
        queueLength: 0,
        state: { secret: "hidden", opened: 0 },
      });
      await suspend(target);
      expect(await getStatus(target)).toMatchObject({ status: "suspended" });
      await resume(target);
      const child = await start(vault, { input: "x" });
      expect((await getStatus(child)).parent).toBe(self);
    });
  });

  test("G78 its state is read as it is, after what was sent before, also while it is suspended (adapted: getState)", async () => {
    const { run, target } = await started();
    await run(async () => {
      expect(await getState(target)).toEqual({ secret: "sesame", opened: 0 });
      cast(target as string, 5);
      expect(await getState(target)).toEqual({ secret: "sesame", opened: 5 });
      await suspend(target);
      cast(target as string, 6);
      expect(await getState(target)).toEqual({ secret: "sesame", opened: 5 });
      await resume(target);
      expect(await getState(target)).toEqual({ secret: "sesame", opened: 6 });
    });
  });
});

test("G75 a crash report has the formatted state, the reason with its stack, and the client (adapted: a report is a value)", async () => {
  const { run, crashes } = createKernel();
  const open = fromGenServer({
    init: (_input: undefined) => ({ state: { secret: "sesame" } }),
    handleCall: (_message: string, _state) => {
      throw new TypeError("raised for G75");
    },
    formatStatus: () => ({ state: "formatted" }),
  });
  await run(
    async ({ self }) => {
      const ref = await start(open);
      const error = await failure(call(ref, "question"));
      expect(crashes()).toEqual([
        {
          type: "process.crashed",
          process: String(ref),
          label: "gen_server",
          reason: error.reason,
          state: "formatted",
          lastMessage: "question",
          client: String(self),
          ancestors: [String(self)],
          links: [],
        },
      ]);
      expect((error.reason as Error).stack).toContain("g-status");
    },
    { name: "client" },
  );
});

test("G77 state, message and reason are rewritten in status and reports (adapted: one formatStatus for all, and no log is kept)", async () => {
  const { runtime, crashes } = createKernel();
  const ref = await start(vault, { runtime, input: "sesame" });
  expect(ref.actor.getSnapshot().context).toEqual({ state: { secret: "hidden", opened: 0 } });
  const error = await failure(call(ref, { key: "plain text" }));
  // The truth goes to the caller, what is shown to everybody else.
  expect(error.reason).toMatchObject({ message: '"plain text" does not open it' });
  expect(crashes()).toMatchObject([
    {
      state: { secret: "hidden" },
      lastMessage: "a message with a key",
      reason: { message: "hidden reason" },
      client: "outside any process",
    },
  ]);
  expect(JSON.stringify([crashes(), formatReport(crashes()[0] as never)])).not.toMatch(/sesame|plain text/);
});

test("a formatStatus that throws hides everything and harms nothing", async () => {
  const { runtime, crashes } = createKernel();
  const logic = fromGenServer({
    init: (_input: undefined) => ({ state: "secret" }),
    handleCall: (message: "crash" | "go", state) => {
      if (message === "crash") throw new Error("crashed as asked");
      return { reply: state };
    },
    formatStatus: () => {
      throw new Error("cannot format");
    },
  });
  const ref = await start(logic, { runtime });
  expect(await call(ref, "go")).toBe("secret");
  expect((await getStatus(ref)).state).toBe("formatStatus threw: Error: cannot format");
  await failure(call(ref, "crash"));
  expect(crashes()).toMatchObject([
    { state: expect.stringContaining("cannot format"), reason: { message: "crashed as asked" } },
  ]);
});

test("G83 a report as text has name, label, message, state, reason, client and stack, within limits of depth and size (adapted: formatReport of the report's value)", async () => {
  const { run, crashes } = createKernel();
  const logic = fromGenServer({
    init: (_input: undefined) => ({
      state: { deep: { deeper: { deepest: { bottom: 1 } } }, long: "x".repeat(10_000) },
    }),
    handleCall: (_message: { ask: string }, _state) => {
      setLabel("a labelled server");
      throw new RangeError("raised for G83");
    },
  });
  await run(
    async () => {
      const ref = await start(logic, { name: "reported" });
      await failure(call(ref, { ask: "y".repeat(10_000) }));
    },
    { name: "asker" },
  );
  const [report] = crashes();
  if (report === undefined) return expect.unreachable();
  const text = formatReport(report, { maxDepth: 3, maxChars: 500 });
  for (const fact of [
    '"reported"',
    "a labelled server",
    "raised for G83",
    "g-status.test.ts",
    '"asker"',
    "ask",
    "yyy",
    "deep",
  ]) {
    expect(text).toContain(fact);
  }
  expect(text).not.toContain("bottom");
  expect(text.length).toBeLessThan(3_000);
  expect(formatReport(report, { maxDepth: 10, maxChars: 100_000 })).toContain("bottom: 1");
  const lost = formatReport({ type: "dead_letter", to: "server", message: { lost: true }, why: "unhandled" });
  expect(lost).toMatch(/unhandled[\s\S]*lost: true/);
});

describe.each([
  ["anonymous", undefined],
  ["named", "cell"],
])("a cell that is %s", (_kind, name) => {
  test("G93 keeps state through update, read, both at once and cast, and its stop frees the name (adapted: startCell)", async () => {
    const { run, runtime } = createKernel();
    await run(async ({ self }) => {
      for (const [how, links] of [
        [startCell, 0],
        [startCellLink, 1],
      ] as const) {
        const cell = await how(() => ["first"], { name });
        const target = name === undefined ? cell : name;
        expect(processInfo(self)?.links).toHaveLength(links);
        await updateCell(target as typeof cell, (state) => [...state, "second"]);
        expect(await readCell(cell, (state) => state.length)).toBe(2);
        expect(await readAndUpdateCell(cell, ([head = "", ...rest]) => [head, rest])).toBe("first");
        castCell(cell, (state) => [...state, "cast"]);
        expect(await readCell(cell, (state) => state)).toEqual(["second", "cast"]);
        await stop(target);
        expect([isAlive(cell), runtime.names.size]).toEqual([false, 0]);
      }
    });
  });
});

test("a function that throws in a cell ends it, and its caller is told", async () => {
  const { runtime } = createKernel();
  const cell = await startCell(() => 1, { runtime });
  const error = await failure(
    readCell(cell, () => {
      throw new Error("raised in a cell");
    }),
  );
  expect(error).toMatchObject({ code: "exited", reason: { message: "raised in a cell" } });
  expect(await exited(cell)).toBe(error.reason);
  expect(
    await failure(
      startCell(
        () => {
          throw new Error("no first state");
        },
        { runtime },
      ),
    ),
  ).toMatchObject({ code: "start_failed" });
  await quiet();
  expect(runtime.processCount).toBe(0);
});
