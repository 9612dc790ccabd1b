/** Rows about calls and replies, the timeouts of both sides, and machines. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { setup } from "xstate";
import {
  type CallEvent,
  call,
  cast,
  exit,
  exited,
  type From,
  fromGenServer,
  getState,
  RequestCollection,
  type Runtime,
  readTimer,
  receiveResponse,
  reply,
  self,
  send,
  sendAfter,
  sendRequest,
  spawn,
  start,
  stop,
  Task,
  waitResponse,
} from "../../../src/otp/index.ts";
import { readSource } from "../../structure/source.ts";
import { createPlace, failure, isSettled, quiet } from "./place.ts";
import type { Differences } from "./table.ts";

/** A server that keeps whoever calls waiting until it is told what to answer. */
async function startDesk(runtime: Runtime) {
  const waiting: From[] = [];
  const handleCall = (_message: string, state: number, from: From) => {
    waiting.push(from);
    return { noreply: true as const, state };
  };
  const ref = await start(fromGenServer({ init: () => ({ state: 0 }), handleCall }), { runtime });
  return { ref, waiting };
}

/** A server whose timeout is set by a cast, and the messages that its handleInfo was given. */
async function startSleeper(runtime: Runtime) {
  const heard: unknown[] = [];
  const ref = await start(
    fromGenServer({
      init: () => ({ state: 0 }),
      handleCall: (_message: "state", state) => ({ reply: state }),
      handleCast: (then: { timeoutMs: number; timeoutMessage?: unknown }, state) => ({ state, ...then }),
      handleInfo(message, state) {
        heard.push(message);
        return { state };
      },
    }),
    { runtime },
  );
  return { ref, heard };
}

/** The rows. */
export const requests: Differences = {
  timeouts: {
    "they are milliseconds": async () => {
      const { runtime, clock } = createPlace();
      const { ref } = await startDesk(runtime);
      const asked = failure(call(ref, "ask", { timeoutMs: 2 }));
      clock.advance(1);
      expect(await isSettled(asked)).toBe(false);
      clock.advance(1);
      expect(await asked).toMatchObject({ code: "timeout" });
    },
    "infinity is none": async () => {
      const { runtime, clock } = createPlace();
      const { ref, waiting } = await startDesk(runtime);
      const asked = call(ref, "ask", { timeoutMs: "infinity" });
      await quiet();
      clock.advance(1_000_000_000);
      expect(await isSettled(asked)).toBe(false);
      for (const from of waiting) reply(from, "at last");
      expect(await asked).toBe("at last");
    },
    "they are 2,147,483,647 at most": async () => {
      const { runtime, idle } = createPlace();
      const { ref } = await startDesk(runtime);
      const longest = 2_147_483_647;
      expect(await failure(() => call(ref, "ask", { timeoutMs: longest + 1 }))).toMatchObject({ value: longest + 1 });
      expect(await failure(() => sendAfter(idle(), "late", longest + 1))).toMatchObject({ field: "ms" });
      expect(readTimer(sendAfter(idle(), "late", longest))).toBe(longest);
    },
    "every number that is a time has its unit in its name": () => {
      const time =
        /^ +(?:readonly )?(\w*(?:timeout|period|shutdown|delay|interval|deadline|every|after)\w*)\??: number\b/gim;
      const named = readSource()
        .filter(({ path }) => path.startsWith("otp/"))
        .flatMap(({ text }) => [...text.matchAll(time)].map(([, name = ""]) => name));
      expect(named).toContain("timeoutMs");
      expect(named.filter((name) => !name.endsWith("Ms"))).toEqual([]);
    },
  },

  "timeouts of servers": {
    "handleInfo gets timeoutMessage after timeoutMs without a message": async () => {
      const { runtime, clock } = createPlace();
      const { ref, heard } = await startSleeper(runtime);
      cast(ref, { timeoutMs: 10, timeoutMessage: "idle" });
      await quiet();
      clock.advance(9);
      await quiet();
      expect(heard).toEqual([]);
      clock.advance(1);
      await quiet();
      expect(heard).toEqual(["idle"]);
    },
    "without one it gets { type: timeout }": async () => {
      const { runtime, clock } = createPlace();
      const { ref, heard } = await startSleeper(runtime);
      cast(ref, { timeoutMs: 10 });
      await quiet();
      clock.advance(10);
      await quiet();
      expect(heard).toEqual([{ type: "timeout" }]);
    },
    "0 comes before messages that wait": async () => {
      const { runtime } = createPlace();
      const { ref, heard } = await startSleeper(runtime);
      cast(ref, { timeoutMs: 0, timeoutMessage: "at once" });
      send(ref, "waited before");
      await quiet();
      expect(heard).toEqual(["at once", "waited before"]);
    },
    "any handled message cancels it, and inspection does not": async () => {
      const { runtime, clock } = createPlace();
      const { ref, heard } = await startSleeper(runtime);
      cast(ref, { timeoutMs: 10, timeoutMessage: "cancelled" });
      await call(ref, "state");
      clock.advance(100);
      await quiet();
      expect(heard).toEqual([]);
      cast(ref, { timeoutMs: 10, timeoutMessage: "cancelled too" });
      await quiet();
      // It is due, and waits behind a message.
      send(ref, "before it");
      clock.advance(10);
      await quiet();
      expect(heard.splice(0)).toEqual(["before it"]);
      cast(ref, { timeoutMs: 10, timeoutMessage: "comes" });
      await getState(ref);
      clock.advance(10);
      await quiet();
      expect(heard).toEqual(["comes"]);
    },
  },

  replies: {
    "they settle a promise, and nothing of them is in the caller's mailbox": async () => {
      const { runtime, inside } = createPlace();
      const { ref, waiting } = await startDesk(runtime);
      const left = await inside(async ({ receive }) => {
        const called = call(ref, "call");
        const request = sendRequest(ref, "request");
        await quiet();
        for (const from of waiting) reply(from, "answer");
        expect(await called).toBe("answer");
        await quiet();
        const left = await failure(receive(undefined, { timeoutMs: 0 }));
        expect(await waitResponse(request)).toEqual({ type: "reply", reply: "answer" });
        return left;
      });
      expect(left).toMatchObject({ code: "timeout" });
    },
    "a RequestCollection changes in place": async () => {
      const { runtime, inside } = createPlace();
      const { ref, waiting } = await startDesk(runtime);
      await inside(async () => {
        const collection = new RequestCollection<unknown, string>();
        expect(collection.send(ref, 1, "a").send(ref, 2, "b")).toBe(collection);
        await quiet();
        reply(waiting[1] as From, "second");
        expect(await collection.waitResponse()).toEqual({ type: "reply", reply: "second", label: "b" });
        expect(collection.size).toBe(1);
        expect(await collection.receiveResponse({ timeoutMs: 0 })).toEqual({ type: "timeout" });
        expect(collection.size).toBe(0);
        expect(await collection.waitResponse()).toEqual({ type: "no_request" });
      });
    },
    "only a task's is a message, when its owner does not wait for it": async () => {
      const { inside } = createPlace();
      await inside(async ({ receive }) => {
        const task = Task.async(() => 7);
        expect(await receive()).toEqual({ type: "task.reply", monitor: task.monitor, result: 7 });
        const other = Task.async(() => 8);
        expect(await Task.await(other)).toBe(8);
        await quiet();
        const type = (message: unknown) => (message as { monitor?: unknown }).monitor === other.monitor;
        expect(await failure(receive(type, { timeoutMs: 0 }))).toMatchObject({ code: "timeout" });
      });
    },
    "one that is given up is a dead letter when it comes": async () => {
      const { runtime, inside, told } = createPlace();
      const { ref, waiting } = await startDesk(runtime);
      await inside(async () => {
        const request = sendRequest(ref, "ask");
        await quiet();
        expect(await receiveResponse(request, { timeoutMs: 0 })).toEqual({ type: "timeout" });
        for (const from of waiting) reply(from, "too late");
      });
      expect(told("dead_letter")).toMatchObject([{ message: "too late", why: "late" }]);
    },
  },

  "the parent of a server": {
    "the exit signal of who has started it without a link ends it, after terminate": async () => {
      const { runtime } = createPlace();
      const ends: unknown[] = [];
      const logic = fromGenServer({
        trapExit: true,
        init: () => ({ state: 0 }),
        terminate: (reason) => void ends.push(reason),
      });
      const starter = spawn(async () => exit(await start(logic), "asked"), { runtime });
      expect(await exited(starter)).toBe("normal");
      await quiet();
      expect(ends).toEqual(["asked"]);
    },
  },
  "a server that calls itself": {
    "it is calling_self in an async handler, in init and in terminate": async () => {
      const { runtime } = createPlace();
      const failed: unknown[] = [];
      const callSelf = async () => void failed.push(await failure(call({ process: self() }, "inner")));
      const logic = fromGenServer({
        async init() {
          await callSelf();
          return { state: 0 };
        },
        async handleCall(_message: "outer" | "inner") {
          await callSelf();
          return { reply: "answered" };
        },
        terminate: callSelf,
      });
      const ref = await start(logic, { runtime });
      expect(await call(ref, "outer")).toBe("answered");
      await stop(ref);
      expect(failed).toMatchObject(["init", "handler", "terminate"].map(() => ({ code: "calling_self" })));
    },
    "a synchronous handler cannot wait, and is answered after its turn": async () => {
      const { runtime } = createPlace();
      const answers: unknown[] = [];
      const logic = fromGenServer({
        init: () => ({ state: 0 }),
        handleCall(message: "outer" | "inner"): { reply: string } {
          if (message === "outer") call({ process: self() }, "inner").then((answer) => answers.push(answer));
          return { reply: `${message} answered` };
        },
      });
      expect(await call(await start(logic, { runtime }), "outer")).toBe("outer answered");
      await quiet();
      expect(answers).toEqual(["inner answered"]);
    },
  },

  gen_statem: {
    "any XState machine is a process that takes calls, casts and messages": async () => {
      const { runtime } = createPlace();
      const lamp = setup({
        types: { events: {} as { type: "switch" } | CallEvent<"state", "on" | "off"> },
      }).createMachine({
        initial: "off",
        states: {
          off: { on: { switch: "on", $call: { actions: ({ event }) => reply(event.from, "off") } } },
          on: { on: { switch: "off", $call: { actions: ({ event }) => reply(event.from, "on") } } },
        },
      });
      const ref = await start(lamp, { runtime });
      send(ref, { type: "switch" });
      expect(await call(ref, "state")).toBe("on");
    },
    "the page compares them under the heading that the row names": () => {
      const page = readFileSync(join(import.meta.dirname, "../../../docs/otp.md"), "utf8");
      expect(page).toContain("](#machines-in-gen_statems-place)");
      expect(page).toContain("\n## Machines in gen_statem's place\n");
    },
  },
};
