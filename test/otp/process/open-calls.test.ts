import { expect, test } from "vitest";
import { LocalProcess } from "../../../src/otp/process/local-process.ts";
import { callsIn, listCall, type OpenCall, unlistCall } from "../../../src/otp/process/open-calls.ts";
import type { Process } from "../../../src/otp/process/process.ts";
import { LocalRuntime } from "../../../src/otp/process/runtime.ts";

interface NamedCall extends OpenCall {
  readonly name: string;
}

function call(name: string): NamedCall {
  return {
    name,
    type: "$call",
    message: undefined,
    caller: undefined,
    olderToTarget: undefined,
    newerToTarget: undefined,
    olderOfCaller: undefined,
    newerOfCaller: undefined,
    answer: () => undefined,
    fail: () => undefined,
    refuse: () => undefined,
    deadlocked: () => undefined,
    processEnded: () => undefined,
    release: () => undefined,
  };
}

/** Two processes that nothing runs in, taken back when `use` is done. */
function withProcesses(use: (target: Process, caller: Process) => void): void {
  const runtime = new LocalRuntime();
  const [target, caller] = [
    new LocalProcess(runtime, undefined, "target"),
    new LocalProcess(runtime, undefined, "caller"),
  ];
  try {
    use(target, caller);
  } finally {
    target.discard();
    caller.discard();
  }
}

const names = (calls: OpenCall[]) => calls.map((each) => (each as NamedCall).name).join(" ");
const toTarget = (target: Process) => names(callsIn(target.openCalls, "olderToTarget"));
const ofCaller = (caller: Process) => names(callsIn(caller.awaitedCalls, "olderOfCaller"));

test.each([
  ["a", "b c"],
  ["b", "a c"],
  ["c", "a b"],
])("of three calls, %s leaves both lists and the others stay, oldest first", (gone, left) => {
  withProcesses((target, caller) => {
    const calls = ["a", "b", "c"].map(call);
    for (const each of calls) listCall(each, target, caller);
    expect([toTarget(target), ofCaller(caller)]).toEqual(["a b c", "a b c"]);
    for (const each of calls) if (each.name === gone) unlistCall(each, target, caller);
    expect([toTarget(target), ofCaller(caller)]).toEqual([left, left]);
  });
});

test("the calls of one caller to several targets leave each list by themselves", () => {
  withProcesses((target, caller) => {
    withProcesses((other) => {
      const [a, b, c] = [call("a"), call("b"), call("c")];
      listCall(a, target, caller);
      listCall(b, other, caller);
      listCall(c, target, undefined);
      expect([toTarget(target), toTarget(other), ofCaller(caller)]).toEqual(["a c", "b", "a b"]);
      unlistCall(a, target, caller);
      unlistCall(b, other, caller);
      expect([toTarget(target), toTarget(other), ofCaller(caller)]).toEqual(["c", "", ""]);
    });
  });
});

test("a dead caller waits for nothing", () => {
  withProcesses((target) => {
    const caller = new LocalProcess(target.runtime, undefined, "caller");
    caller.discard();
    const late = call("late");
    listCall(late, target, caller);
    expect([toTarget(target), ofCaller(caller)]).toEqual(["late", ""]);
    unlistCall(late, target, caller);
    expect(toTarget(target)).toBe("");
  });
});
