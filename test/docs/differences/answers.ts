/** Rows about what is answered, what is thrown, and how a process ends by itself. */

import { expect } from "vitest";
import {
  CallerError,
  call,
  checkChildSpecs,
  Exit,
  exit,
  exited,
  fromGenServer,
  monitor,
  ProcessError,
  register,
  SynapseError,
  send,
  spawn,
  start,
  startSupervisor,
  stop,
  trapExit,
} from "../../../src/otp/index.ts";
import { createPlace, failure, quiet } from "./place.ts";
import type { Differences } from "./table.ts";

const echo = fromGenServer({ init: () => ({ state: 0 }), handleCall: (message: unknown) => ({ reply: message }) });

/** A server that ends as its call says. */
const ending = fromGenServer({
  init: () => ({ state: 0 }),
  handleCall: (end: () => never) => ({ reply: end() }),
});

/** What JavaScript can throw beside errors. */
const thrownValues = [undefined, null, "a text", 7, { reply: "an answer in Erlang", state: 0 }, Promise.resolve()];

/** The rows. */
export const answers: Differences = {
  answers: {
    "a start settles with the ref itself": async () => {
      const { runtime } = createPlace();
      const ref = await start(echo, { runtime });
      expect(ref.alive).toBe(true);
      expect(await call(ref, "hello")).toBe("hello");
      await stop(ref);
      expect(ref.exitReason).toBe("normal");
    },
    "what fails later rejects with a SynapseError that has a code, and X as its reason": async () => {
      const { runtime } = createPlace();
      const reason = { because: "X" };
      const refusing = fromGenServer({ init: () => ({ error: reason }) });
      const refused = await failure(start(refusing, { runtime }));
      expect(refused).toBeInstanceOf(SynapseError);
      expect(refused).toMatchObject({ code: "start_failed" });
      expect((refused as ProcessError).reason).toBe(reason);
      const quitting = fromGenServer({ init: () => ({ state: 0 }), handleCall: (_: "go") => ({ stop: reason }) });
      const exitedFirst = await failure(call(await start(quitting, { runtime }), "go"));
      expect(exitedFirst).toBeInstanceOf(SynapseError);
      expect(exitedFirst).toMatchObject({ code: "exited" });
      expect((exitedFirst as ProcessError).reason).toBe(reason);
    },
    "a start function of a child answers its ref, and throws or rejects when it cannot": async () => {
      const { runtime, idle } = createPlace();
      const supervisor = await startSupervisor({ children: [] }, { runtime });
      const made = idle();
      expect(await supervisor.startChild({ id: "a", start: () => made })).toBe(made);
      const error = new Error("no");
      const throwing = () => {
        throw error;
      };
      const thrown = await failure(supervisor.startChild({ id: "b", start: throwing }));
      const rejected = await failure(supervisor.startChild({ id: "b", start: () => Promise.reject(error) }));
      for (const failed of [thrown, rejected]) expect(failed).toMatchObject({ code: "start_failed", cause: error });
      await supervisor.stop();
    },
    "what fails at once throws one": async () => {
      const { runtime, inside } = createPlace();
      spawn(({ receive }) => receive(), { name: "taken", runtime });
      await inside(async ({ self }) => {
        const error = await failure(() => register("taken", self));
        expect(error).toBeInstanceOf(SynapseError);
        expect(error).toMatchObject({ code: "already_started" });
      });
    },
  },

  "bad arguments": {
    "they are a CallerError that names field, value and rule": async () => {
      const error = await failure(() => checkChildSpecs([{ id: "a", start: () => undefined, shutdownMs: -1 }]));
      expect(error).toBeInstanceOf(CallerError);
      expect(error).toMatchObject({ code: "invalid_argument", field: "children[0].shutdownMs", value: -1 });
      expect((error as CallerError).rule).toContain('"brutal_kill"');
      expect((error as CallerError).message).toMatch(/children\[0\]\.shutdownMs is -1; it must be 0 to/);
    },
    "nothing has started then": async () => {
      const { runtime } = createPlace();
      const started: string[] = [];
      const child = { id: "a", start: () => void started.push("a") };
      const strategy = "none" as "one_for_one";
      const error = await failure(startSupervisor({ children: [child], strategy }, { runtime }));
      expect(error).toMatchObject({ code: "invalid_argument", field: "spec.strategy", value: "none" });
      expect(started).toEqual([]);
      expect(runtime.processCount).toBe(0);
    },
  },

  "a value that is thrown": {
    "it is a crash, whatever is thrown": async () => {
      for (const thrown of [new Error("an error"), ...thrownValues]) {
        const { runtime, told } = createPlace();
        const ref = await start(ending, { runtime });
        const error = await failure(
          call(ref, () => {
            throw thrown;
          }),
        );
        expect(error).toMatchObject({ code: "exited" });
        expect(ref.alive).toBe(false);
        expect(told("process.crashed")).toHaveLength(1);
      }
    },
  },

  "the reason of a crash": {
    "it is the Error that was thrown, with its stack": async () => {
      const { inside } = createPlace();
      const error = new Error("thrown by a linked process");
      const message = await inside(async ({ receive }) => {
        trapExit();
        monitor(
          spawn(() => {
            throw error;
          }),
        );
        return receive<{ reason: Error }>();
      });
      expect(message.reason).toBe(error);
      expect(message.reason.stack).toContain("answers.ts");
    },
    "of anything else that is thrown it is an Error with that as its cause": async () => {
      const { runtime } = createPlace();
      for (const thrown of thrownValues) {
        const ref = spawn(
          () => {
            throw thrown;
          },
          { runtime },
        );
        const reason = await exited(ref);
        expect(reason).toBeInstanceOf(Error);
        expect((reason as Error).cause).toBe(thrown);
      }
    },
    "of a callback that is not there, or answers what it may not, it is an Error whose reason says so": async () => {
      const { runtime } = createPlace();
      const bare = fromGenServer({ init: () => ({ state: 0 }) });
      const first = await start(bare, { runtime });
      await failure(call({ process: first }, "unknown"));
      expect(first.exitReason).toBeInstanceOf(ProcessError);
      expect(first.exitReason).toMatchObject({ reason: { type: "undef", callback: "handleCall", message: "unknown" } });
      const odd = fromGenServer({
        init: () => ({ state: 0 }),
        handleInfo: () => "junk" as unknown as { state: number },
      });
      const second = await start(odd, { runtime });
      send(second, "hello");
      await quiet();
      const reason = { type: "bad_return_value", callback: "handleInfo", value: "junk" };
      expect(second.exitReason).toMatchObject({ reason });
    },
  },

  "`exit(Reason)` in one's own code": {
    "throw new Exit(reason) ends a process with the reason": async () => {
      const { runtime } = createPlace();
      const reason = { why: "finished" };
      const plain = spawn(
        () => {
          throw new Exit(reason);
        },
        { runtime },
      );
      expect(await exited(plain)).toBe(reason);
      const server = await start(ending, { runtime });
      const error = await failure(
        call(server, () => {
          throw new Exit(reason);
        }),
      );
      expect(error).toMatchObject({ code: "exited" });
      expect((error as ProcessError).reason).toBe(reason);
    },
    "a clean one is no crash": async () => {
      const { runtime, told } = createPlace();
      const ref = spawn(
        () => {
          throw new Exit("normal");
        },
        { runtime },
      );
      expect(await exited(ref)).toBe("normal");
      expect(told("process.crashed")).toEqual([]);
    },
  },
  "an exit reason": {
    "may be any value, and arrives as it is": async () => {
      const { runtime } = createPlace();
      const refuse = (): never => {
        throw new Error("asked");
      };
      const proxy = new Proxy({}, { get: refuse, has: refuse, getPrototypeOf: refuse });
      for (const reason of [undefined, null, Number.NaN, Promise.resolve("later"), proxy]) {
        const down = Promise.withResolvers<unknown>();
        const ref = spawn(({ receive }) => receive(), { runtime });
        spawn(
          async ({ receive }) => {
            monitor(ref);
            exit(ref, reason);
            down.resolve([(await receive<{ reason: unknown }>()).reason]);
          },
          { runtime },
        );
        const [told] = (await down.promise) as [unknown];
        expect(Object.is(told, reason)).toBe(true);
        expect(ref.alive).toBe(false);
      }
    },
    "that is a promise settles `exited` and `ended` with an Error that has it as its cause": async () => {
      const { runtime } = createPlace();
      const reason = Promise.resolve("later");
      const ref = spawn(({ receive }) => receive(), { runtime });
      exit(ref, reason);
      expect(((await exited(ref)) as Error).cause).toBe(reason);
      const supervisor = await startSupervisor({}, { runtime });
      const ended = await supervisor.stop(reason);
      expect((ended as Error).cause).toBe(reason);
    },
    "that is undefined in a stop is normal": async () => {
      const { runtime } = createPlace();
      const ref = await start(echo, { runtime });
      await stop(ref, undefined);
      expect(await exited(ref)).toBe("normal");
    },
  },
};
