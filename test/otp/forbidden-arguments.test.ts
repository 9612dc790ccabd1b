import { expect, test } from "vitest";
import { CallerError } from "../../src/errors.ts";
import * as door from "../../src/otp/index.ts";

const server = door.fromGenServer({ init: () => ({ state: 0 }), handleCall: (_message: string) => ({ reply: 1 }) });
const none = [null, 5, "x", {}, Symbol("s"), true, 1n];

/** The door as JavaScript sees it: nothing forbids an argument. */
// biome-ignore lint/suspicious/noExplicitAny: that is the test
const js = door as any;

async function thrownBy(code: () => unknown): Promise<unknown> {
  try {
    await code();
  } catch (error) {
    return error;
  }
  return "nothing";
}

async function asked(code: (ref: door.Ref) => unknown): Promise<unknown> {
  const ref = await door.start(server);
  const error = await thrownBy(() => code(ref));
  await door.stop(ref);
  return error;
}

const given: [
  field: string,
  name: string,
  values: readonly unknown[],
  call: (value: never, ref: door.Ref) => unknown,
][] = [
  ["monitor", "demonitor", none, (value) => js.demonitor(value)],
  ["timer", "cancelTimer", none, (value) => js.cancelTimer(value)],
  ["timer", "readTimer", none, (value) => js.readTimer(value)],
  ["atMs", "sendAt", [null, "x", Number.NaN, 1n, 9e15], (value, ref) => js.sendAt(ref, "m", value)],
  ["alias", "unalias", none, (value) => js.unalias(value)],
  ["options", "createAlias", [null, 5], (value) => js.createAlias(value)],
  ["request", "waitResponse", none, (value) => js.waitResponse(value)],
  ["request", "receiveResponse", none, (value) => js.receiveResponse(value)],
  ["request", "RequestCollection.add", none, (value) => new js.RequestCollection().add(value, 1)],
  ["options", "waitResponse", [null, 5], (value, ref) => js.waitResponse(js.sendRequest(ref, "m"), value)],
  ["targets", "multiCall", none, (value) => js.multiCall(value, "m")],
  ["options", "multiCall", [null, 5], (value, ref) => js.multiCall([ref], "m", value)],
  ["options", "call", [null, 5, "x"], (value, ref) => js.call(ref, "m", value)],
  ["options.signal", "call", none, (value, ref) => js.call(ref, "m", { signal: value })],
  ["options", "stop", [null, 5], (value, ref) => js.stop(ref, "normal", value)],
  ["options", "getState", [null, 5], (value, ref) => js.getState(ref, value)],
  ["replace", "replaceState", none, (value, ref) => js.replaceState(ref, value)],
  ["listener", "trace", none, (value, ref) => js.trace(ref, value)],
  ["process", "exitSignal", none, (value) => js.exitSignal(value)],
  ["process", "ancestors", none, (value) => js.ancestors(value)],
  ["process", "callers", none, (value) => js.callers(value)],
  ["runtime", "processes", none, (value) => js.processes(value)],
  ["list", "formatProcesses", none, (value) => js.formatProcesses(value)],
  ["root", "formatTree", [null, 5], (value) => js.formatTree(value)],
  ["name", "unregister", [null, 5, Symbol("s")], (value) => js.unregister(value)],
  ["code", "spawn", none, (value) => js.spawn(value)],
  ["code", "spawnLink", none, (value) => js.spawnLink(value)],
  ["options", "spawn", [null, 5], (value) => js.spawn(() => 1, value)],
  ["options.runtime", "spawn", none, (value) => js.spawn(() => 1, { runtime: value })],
  ["logic", "start", none, (value) => js.start(value)],
  ["logic", "startLink", none, (value) => js.startLink(value)],
  ["logic", "startMonitor", none, (value) => js.startMonitor(value)],
  ["options", "start", [null, 5], (value) => js.start(server, value)],
  ["action", "postpone", [null, 5, "x"], (value) => js.postpone(value)],
  ["action.self", "postpone", [{}, []], (value) => js.postpone(value)],
  ["definition", "fromGenServer", [null, 5], (value) => js.fromGenServer(value)],
  ["machine", "fromMachine", none, (value) => js.fromMachine(value, {})],
  ["options", "Groups.start", [null, 5], (value) => js.Groups.start(value)],
  ["process", "new Groups", none, (value) => new js.Groups(value)],
  ["process", "new Registry", none, (value) => new js.Registry({ keys: "unique" }, value)],
  ["processes", "Groups.join", none, (value) => js.Groups.start().join("g", value)],
  ["processes", "Groups.leave", none, (value) => js.Groups.start().leave("g", [value])],
  ["process", "Registry.register", none, (value) => js.Registry.start({ keys: "unique" }).register("k", 1, value)],
  ["matches", "Registry.match", none, (value) => js.Registry.start({ keys: "unique" }).match("k", value)],
  ["code", "Registry.lock", none, (value) => js.Registry.start({ keys: "unique" }).lock("k", value)],
  ["options", "startSupervisor", [null, 5], (value) => js.startSupervisor({}, value)],
  ["options.onReport", "startSupervisor", none, (value) => js.startSupervisor({}, { onReport: value })],
  ["options.runtime", "startSupervisor", none, (value) => js.startSupervisor({}, { runtime: value })],
  ["options", "new Runtime", [null, 5], (value) => new js.Runtime(value)],
  ["options.clock", "new Runtime", [null, 5], (value) => new js.Runtime({ clock: value })],
  ["options.clock.now", "new Runtime", [{}], (value) => new js.Runtime({ clock: value })],
  ["spec", "definePartitionSupervisor", [null, 5], (value) => js.definePartitionSupervisor(value)],
  ["options", "Task.await", [null, 5], (value) => js.Task.await(js.Task.completed(1), value)],
  ["options", "Task.shutdown", [null, 5], (value) => js.Task.shutdown(js.Task.completed(1), value)],
];

test.for(given)(
  "%s of %s is checked: the error names the field, the value and the rule",
  async ([field, , values, call]) => {
    for (const value of values) {
      const error = await asked((ref) => call(value as never, ref));
      expect(error, String(value)).toBeInstanceOf(CallerError);
      expect(error).toMatchObject({ code: "invalid_argument", field, rule: expect.any(String) });
    }
  },
);

test("an alias of a monitor that is no mode is refused", async () => {
  const told = Promise.withResolvers<unknown>();
  door.spawn(async ({ self }) => told.resolve(await thrownBy(() => js.monitor(self, { alias: "reply" }))));
  expect(await told.promise).toMatchObject({ code: "invalid_argument", field: "options.alias", value: "reply" });
});

test("whatever is no id of a child is unknown to a supervisor", async () => {
  const supervisor = await door.startSupervisor({ children: [{ id: "a", logic: server }] });
  for (const id of [Symbol("a"), 5, null, undefined]) {
    for (const name of ["whichChild", "terminateChild", "restartChild", "deleteChild", "getChildSpec"]) {
      const error = await thrownBy(() => js[name](supervisor, id));
      expect(error, name).toMatchObject({ code: "not_found", field: "id", value: id });
    }
  }
  await supervisor.stop();
});

test("a report that is none, and limits that are none, are shown as they are", () => {
  expect([js.formatReport(null), js.formatReport(5), js.formatReport({ type: "x" }, null)]).toEqual(["null", "5", "x"]);
});

test("what is nothing is no call and the actor of no process", () => {
  expect([js.isCall(null, "x"), js.isCall(undefined, "x"), js.processOf(null)]).toEqual([false, false, undefined]);
});
