import { expect, test } from "vitest";
import { defineAgent, startSystem } from "../../src/index.ts";
import { silentLogger } from "../../src/logger.ts";
import {
  createFakeAgentService,
  createFakeLauncher,
  createVirtualClock,
  type FakeReply,
  fakeRunError,
} from "../../src/testing/index.ts";
import { thrownBy } from "../agent/values.ts";
import { rejection } from "../rpc/agent-server.ts";

const answer = () => "x";

test.each<[string, unknown]>([
  ["options", null],
  ["options.answer", { answer }],
  ["options.script", { script: "echo" }],
  ["options.script", { script: [] }],
  ["options.script.anwser", { script: { anwser: answer } }],
  ["options.script.answer", { script: { answer: "x" } }],
  ["options.script.start", { script: { start: { code: 1 } } }],
  ["options.script.start", { script: { start: "slow" } }],
  ["options.script.imports", { script: { imports: [] } }],
  ["options.script.onStop", { script: { onStop: "hang" } }],
  ["options.clock", { clock: 5 }],
])("a fake launcher is told of a wrong %s, which would be its default", (field, options) => {
  expect(thrownBy(() => createFakeLauncher(options as never))).toMatchObject({ code: "invalid_argument", field });
});

test.each<[string, unknown]>([
  ["options.script", { script: {} }],
  ["options.answer", { answer: "x" }],
  ["options.clock.now", { clock: {} }],
])("a fake service is told of a wrong %s", (field, options) => {
  expect(thrownBy(() => createFakeAgentService(options as never))).toMatchObject({ code: "invalid_argument", field });
});

test("a virtual clock goes by numbers, and forward", () => {
  for (const startMs of ["0", Number.NaN, Number.POSITIVE_INFINITY, new Date(0)]) {
    expect(thrownBy(() => createVirtualClock(startMs as never))).toMatchObject({ field: "startMs" });
  }
  const clock = createVirtualClock(5);
  for (const ms of ["1", Number.NaN, Number.POSITIVE_INFINITY, -1]) {
    expect(thrownBy(() => clock.advance(ms as never))).toMatchObject({ code: "invalid_argument", field: "ms" });
  }
  expect(thrownBy(() => clock.step(Number.NaN))).toMatchObject({ code: "invalid_argument", field: "ms" });
  expect([clock.now(), clock.monotonicMs()]).toEqual([5, 5]);
});

test("a kind of error that there is not is refused; it would be unknown", () => {
  expect(fakeRunError("unknown", "x").kind).toBe("unknown");
  expect(fakeRunError("out_of_memory", "x").kind).toBe("out_of_memory");
  for (const kind of ["user_cod", "USER_CODE", "toString", undefined]) {
    expect(thrownBy(() => fakeRunError(kind as never, "x"))).toMatchObject({ code: "invalid_argument", field: "kind" });
  }
});

test.each<[string, () => never]>([
  [
    "Error: no script",
    () => {
      throw new Error("no script");
    },
  ],
  ["script.anwser is a function", () => ({ anwser: answer }) as never],
  ["script is undefined", () => undefined as never],
])("a script that cannot be had is told as an agent that cannot be loaded: %s", async (told, script) => {
  await using system = await startSystem(
    { children: [defineAgent({ id: "poet", entry: "poet.py:agent" })], logger: silentLogger },
    { launcher: createFakeLauncher({ script }), interpreter: "none" },
  );
  const error = await rejection(system.agent("poet").run("x"));
  expect(error).toMatchObject({ code: "entry_module_failed", message: expect.stringContaining(told) });
});

test("an answer that is none ends the run with what it is", async () => {
  const answers: unknown[] = [undefined, 7, { text: "x" }, ["x"]];
  const launcher = createFakeLauncher({ script: { answer: () => answers.shift() as FakeReply } });
  await using system = await startSystem(
    { children: [defineAgent({ id: "poet", entry: "poet.py:agent" })] },
    { launcher, interpreter: "none" },
  );
  for (const told of ["undefined", "7", '{"text":"x"}', '["x"]']) {
    const error = await rejection(system.agent("poet").run("x"));
    expect(error).toMatchObject({ kind: "user_code", message: expect.stringContaining(`a fake agent is ${told};`) });
  }
});
