/** Messages that a stranger might send: JSON whose `type` is a word of the runtime's or of XState's own, and values that do not let themselves be looked at. */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";

const root = join(import.meta.dirname, "../..");

/** Every word that could be the type of a message: the texts in our sources and in XState's. */
function vocabulary(): string[] {
  const own = join(root, "src/otp");
  const sources = readdirSync(own, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".ts"))
    .map((path) => join(own, path));
  const theirs = join(root, "node_modules/xstate/dist");
  const dist = readdirSync(theirs)
    .filter((name) => name.endsWith(".esm.js") && !name.includes("development"))
    .map((name) => join(theirs, name));
  const words = new Set<string>(["", "*", "xstate.", "xstate.after.1.gate", "xstate.done.actor.child", "__proto__"]);
  for (const path of [...sources, ...dist]) {
    for (const [, word] of readFileSync(path, "utf8").matchAll(/["'`]([$A-Za-z_.*]{1,40})["'`]/g))
      words.add(word ?? "");
  }
  return [...words].sort();
}

/** Words that are most likely to be taken for something. */
const suspects = [
  ...["$call", "$cast", "$sys", "$stop", "$timeout", "$continue", "$retry", "$exit", "$shown", "message"],
  ...["EXIT", "DOWN", "task.reply", "group.join", "registry.register", "supervisor.stop", "supervisor.stopped"],
  ...["supervisor.started", "child.exited", "child.decided", "xstate.stop", "xstate.init", "xstate.error", "*", ""],
  ...["xstate.promise.resolve", "xstate.promise.reject", "xstate.observable.error", "xstate.done.actor.child"],
];

const trapsThrow = new Proxy(
  {},
  {
    get(_target, trap) {
      return () => {
        throw new Error(`the trap ${String(trap)} throws`);
      };
    },
  },
);
/** A Proxy whose every trap throws. */
export const thorny = (): object => new Proxy({}, trapsThrow);

/** Another answer each time it is asked. */
function turncoat(): object {
  let asked = 0;
  return {
    get type() {
      asked += 1;
      return asked === 1 ? "tick" : "xstate.stop";
    },
    // biome-ignore lint/suspicious/noThenProperty: one that acts like a promise every other time
    get then() {
      asked += 1;
      return asked % 2 === 0 ? () => undefined : undefined;
    },
  };
}

const withGetter = (key: string): object =>
  Object.defineProperty({ type: "tick" }, key, {
    get() {
      throw new Error(`the getter of ${key} throws`);
    },
  });

const circular = (): object => {
  const one: Record<string, unknown> = { type: "tick" };
  one.self = one;
  return one;
};

/** What JSON cannot say, by name: a counterexample tells which. */
export const strange: Readonly<Record<string, () => unknown>> = {
  undefined: () => undefined,
  null: () => null,
  NaN: () => Number.NaN,
  bigint: () => 7n,
  symbol: () => Symbol("a message"),
  function: () => () => undefined,
  "an object without a prototype": () => Object.assign(Object.create(null), { type: "tick" }),
  "a frozen stop": () => Object.freeze({ type: "xstate.stop" }),
  "a type that is no text": () => ({ type: Symbol("type") }),
  "a type that throws": () => withGetter("type"),
  "a message that throws": () => withGetter("message"),
  "a monitor that throws": () => withGetter("monitor"),
  "a toJSON that throws": () => withGetter("toJSON"),
  "a then that throws": () => withGetter("then"),
  "an inherited type": () => Object.create({ type: "xstate.stop" }) as object,
  "a turncoat": turncoat,
  "a lying Proxy": () => new Proxy({ type: "tick" }, { get: (_target, key) => (key === "type" ? "xstate.stop" : 1) }),
  "a thorny Proxy": thorny,
  "a revoked Proxy": () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    return proxy;
  },
  "a promise": () => Promise.resolve({ type: "xstate.stop" }),
  "a promise for ever": () => new Promise(() => undefined),
  // biome-ignore lint/suspicious/noThenProperty: a message may be what acts like a promise
  "a thenable for ever": () => ({ then: () => undefined, type: "tick" }),
  "an error": () => new Error("a message that is an error"),
  circular,
  "a huge array": () => new Array(100_000).fill({ type: "xstate.stop" }),
  "a sparse array": () => new Array(4_000_000_000),
  "deep nesting": () => {
    let deep: unknown = 1;
    for (let level = 0; level < 10_000; level += 1) deep = [deep];
    return deep;
  },
};

/** A message in words. "again": something that was seen at work, by number: an inspector's event, a trace's message, a `from`, an EXIT, a DOWN. */
export type HostileMessage =
  | { readonly kind: "json"; readonly value: unknown }
  | { readonly kind: "strange"; readonly name: string }
  | { readonly kind: "again"; readonly pick: number };

const field = fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.constantFrom(...suspects));

const json = fc.record(
  {
    type: fc.oneof(fc.constantFrom(...suspects), fc.constantFrom(...vocabulary())),
    message: field,
    reason: field,
    from: field,
    monitor: field,
    process: field,
    system: field,
    child: field,
    actorId: field,
    output: field,
    error: field,
    snapshot: field,
    lastExit: field,
    id: field,
  },
  { requiredKeys: ["type"] },
);

/** Any message. */
export const hostileMessage: fc.Arbitrary<HostileMessage> = fc.oneof(
  { weight: 6, arbitrary: json.map((value) => ({ kind: "json" as const, value })) },
  { weight: 1, arbitrary: fc.jsonValue().map((value) => ({ kind: "json" as const, value })) },
  {
    weight: 4,
    arbitrary: fc.constantFrom(...Object.keys(strange)).map((name) => ({ kind: "strange" as const, name })),
  },
  // What is rare comes first.
  { weight: 2, arbitrary: fc.nat({ max: 8 }).map((pick) => ({ kind: "again" as const, pick })) },
  { weight: 1, arbitrary: fc.nat({ max: 500 }).map((pick) => ({ kind: "again" as const, pick })) },
);
