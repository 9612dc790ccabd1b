/** What was given up is gone: after a thousand of each, the processes that live on, and their runtime, hold what they held before. */

import { getEventListeners } from "node:events";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test, vi } from "vitest";
import { createAlias, unalias } from "../../src/otp/process/alias.ts";
import { exitSignal } from "../../src/otp/process/exit-signal.ts";
import { exit, link, unlink } from "../../src/otp/process/link.ts";
import { demonitor, monitor } from "../../src/otp/process/monitor.ts";
import type { Process } from "../../src/otp/process/process.ts";
import { receiveResponse, sendRequest, waitResponse } from "../../src/otp/request/async-request.ts";
import { call } from "../../src/otp/request/call.ts";
import type { Ref } from "../../src/otp/request/protocol.ts";
import { cancelTimer, sendAfter } from "../../src/otp/request/send-after.ts";
import { stop } from "../../src/otp/request/stop.ts";
import { getState, trace } from "../../src/otp/request/sys.ts";
import { fromGenServer } from "../../src/otp/server/gen-server.ts";
import { spawn } from "../../src/otp/start/spawn.ts";
import { start } from "../../src/otp/start/start.ts";
import { Task } from "../../src/otp/task/task.ts";
import { createKernel, quiet } from "./kernel.ts";

import { desk, each, forever, furnish, type House, idle, many } from "./leak-house.ts";

const late = fromGenServer({ init: (_input: undefined): Promise<{ state: 0 }> => forever() });
const failing = fromGenServer({ init: (_input: undefined) => ({ error: "no" }) });
const plain = fromGenServer({ init: (_input: undefined) => ({ state: 0 }) });
const aborted = new AbortController();
const ignore = (): void => undefined;

const cases: Record<string, (house: House) => Promise<void>> = {
  "calls that are late, and their replies": async ({ target, stay, letters }) => {
    await stay(async () => {
      await Promise.allSettled(each(() => call(target, "wait", { timeoutMs: 10 })));
      expect(target.openCalls).toBeUndefined();
      expect(await call(target, "all", { timeoutMs: 1_000 })).toBe(many);
    });
    expect(letters().filter(({ why }) => why === "late")).toHaveLength(many);
  },
  "calls that are aborted": async ({ target, stay }) => {
    const { signal } = aborted;
    await stay(async () => {
      const calls = each(() => call(target, "wait", { signal }));
      expect(getEventListeners(signal, "abort")).toHaveLength(1);
      aborted.abort();
      expect(getEventListeners(signal, "abort")).toHaveLength(0);
      await Promise.allSettled(calls);
      await call(target, "all");
    });
  },
  "callers that are killed": async ({ target, visit, runtime }) => {
    const callers = each(() => spawn(() => call(target, "wait", { timeoutMs: "infinity" }), { runtime }));
    await quiet();
    for (const caller of callers) exit(caller, "kill");
    await visit(() => call(target, "all"));
  },
  "requests to look inside that are late": async ({ hung, stay }) => {
    await stay(() => Promise.allSettled(each(() => getState(hung, { timeoutMs: 10 }))));
  },
  "requests that are asked for again and again, and given up": async ({ target, stay }) => {
    await stay(async () => {
      const request = sendRequest(target, "wait");
      for (const wait of each(() => () => waitResponse(request, { timeoutMs: 0 }))) await wait();
      await Promise.all(each(() => waitResponse(request, { timeoutMs: 10 })));
      await receiveResponse(request, { timeoutMs: 10 });
      await call(target, "all");
    });
  },
  "stops that are late": async ({ hung, stay }) => {
    await stay(() => Promise.allSettled(each(() => stop(hung, "normal", { timeoutMs: 10 }))));
    expect(hung.queueLength).toBe(1);
  },
  "monitors that are taken back, of the living and the dead, with and without an alias": async ({ target, stay }) => {
    await stay(() => {
      for (const alias of [undefined, "explicit", "demonitor", "reply_demonitor"] as const) {
        const options = alias === undefined ? {} : { alias };
        for (const made of each(() => monitor(target, options))) demonitor(made, { flush: true });
        for (const made of each(() => monitor("nobody", options))) demonitor(made, { flush: true });
      }
    });
  },
  "monitors and links of those who end": async ({ owner, visit }) => {
    await visit(() => void each(() => [monitor(owner), link(owner)]));
    await visit(() => each(() => [link(owner), unlink(owner)]));
  },
  "aliases that are closed": async ({ stay }) => {
    await stay(() => each(() => unalias(createAlias())));
  },
  "timers that are taken back, or whose process ends": async ({ owner, visit, runtime }) => {
    const mortal = spawn(idle, { runtime });
    await visit(() => {
      each(() => cancelTimer(sendAfter(owner, "never", 10_000)));
      each(() => sendAfter(mortal, "never", 10_000));
      each(() => sendAfter("nobody", "for nobody", 5));
      exit(mortal, "kill");
      each(() => sendAfter(mortal, "never", 10_000));
    });
  },
  "registrations that are taken back, or whose process ends": async ({ registry, visit, stay }) => {
    await visit(() => void each((index) => registry.register(index, "value")));
    await stay(() =>
      each((index) => {
        registry.register(index, "value");
        registry.unregister(index);
      }),
    );
  },
  "memberships and monitors of groups": async ({ groups, visit, stay }) => {
    await visit(() => void each((index) => [groups.monitor(index), groups.monitorScope()]));
    await visit(() => void each((index) => groups.join(index)));
    await stay(() =>
      each((index) => {
        const watches = [groups.monitor(index).monitor, groups.monitorScope().monitor];
        groups.join(index);
        groups.leave(index);
        for (const watch of watches) groups.demonitor(watch);
      }),
    );
  },
  "waiters for a lock that end, or have had it": async ({ registry, runtime, stay }) => {
    const holder = spawn(() => registry.lock("key", forever), { runtime });
    await quiet();
    const waiters = each(() => spawn(() => registry.lock("key", ignore), { runtime }));
    await quiet();
    for (const waiter of waiters) exit(waiter, "kill");
    exit(holder, "kill");
    await stay(() => Promise.all(each(() => registry.lock("key", ignore))));
  },
  "starts that fail, are late, or are given up": async ({ stay }) => {
    const name = "taken for a while";
    await stay(async () => {
      for (const attempt of each(() => () => start(failing, { name }))) await attempt().catch(ignore);
      await Promise.allSettled(each(() => start(late, { timeoutMs: 10 })));
      each(() => exit(spawn(idle), "kill"));
    });
  },
  "receives that are late": async ({ visit }) => {
    await visit(({ receive }) => Promise.allSettled(each(() => receive(() => false, { timeoutMs: 10 }))));
  },
  "traces that are ended, or whose process ends": async ({ owner, runtime, visit }) => {
    each(() => trace(owner, ignore)());
    await visit(() => {
      const mortal = spawn(idle, { runtime });
      each(() => trace(mortal, ignore));
      exit(mortal, "kill");
    });
  },
  "exit signals": async ({ runtime }) => {
    const mortal = spawn(idle, { runtime });
    each(() => exitSignal(mortal).addEventListener("abort", ignore));
    expect(mortal.exitHooks?.size).toBe(1);
    exit(mortal, "kill");
    expect(exitSignal(mortal).aborted).toBe(true);
  },
  "children that are started, restarted and stopped": async ({ supervisor, stay }) => {
    await stay(async () => {
      const refs = await Promise.all(each(() => supervisor.startChild({ logic: plain })));
      for (const ref of refs) exit(ref as Process, "kill");
      await quiet();
      const again = supervisor.whichChildren().map(({ ref }) => ref);
      expect(again).toHaveLength(many);
      await Promise.all(again.map((ref) => supervisor.terminateChild(ref)));
      await Promise.allSettled(each(() => supervisor.startChild({ logic: failing })));
    });
  },
  "tasks that are waited for too long, given up and killed": async ({ stay }) => {
    await stay(async () => {
      const tasks = each(() => Task.async(forever));
      await Promise.all(tasks.map((task) => Task.yield(task, { timeoutMs: 10 })));
      await Promise.all(tasks.map((task) => Task.shutdown(task, { shutdownMs: "brutal_kill" })));
    });
  },
};

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

/** Whether none of the things is held by anybody. */
async function areForgotten(things: readonly WeakRef<object>[]): Promise<boolean> {
  for (let times = 0; times < 10 && things.some((thing) => thing.deref() !== undefined); times += 1) {
    await quiet();
    collectGarbage();
  }
  return things.every((thing) => thing.deref() === undefined);
}

test("a signal that is never aborted holds nothing of the calls that are over", async () => {
  const { runtime } = createKernel();
  const { signal } = new AbortController();
  const ref = (await start(desk, { runtime })) as Ref;
  const messages = await Promise.all(
    each(async () => {
      const message = {};
      const called = call(ref, message, { signal }).catch(ignore);
      await call(ref, "all", { signal });
      await called;
      return new WeakRef(message);
    }),
  );
  expect(await areForgotten(messages)).toBe(true);
  expect(getEventListeners(signal, "abort")).toHaveLength(1);
});

test("a request that is not answered holds nothing of those who have waited for it", async () => {
  const { runtime, clock } = createKernel();
  const ref = (await start(desk, { runtime })) as Ref;
  const request = sendRequest(ref, "wait");
  const [added, removed] = [vi.spyOn(request, "addWait"), vi.spyOn(request, "removeWait")];
  const waits = each(() => waitResponse(request, { timeoutMs: 10 }));
  expect(added).toHaveBeenCalledTimes(many);
  clock.advance(10);
  for (const { type } of await Promise.all(waits)) expect(type).toBe("timeout");
  expect(removed.mock.calls).toEqual(added.mock.calls);
});

test.each(Object.entries(cases))("a thousand %s leave nothing behind", async (_name, run) => {
  const house = await furnish();
  await quiet();
  const before = house.held();
  await run(house);
  await quiet();
  expect(house.held()).toEqual(before);
});
