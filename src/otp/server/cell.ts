/**
 * State in a process of its own, read and changed by functions that run there one at a time; the next waits for one that is async. Source: Elixir's
 * Agent.
 */

import { type CallOptions, call, cast } from "../request/call.ts";
import type { Ref } from "../request/protocol.ts";
import { isThenable } from "../scheduler/thenable.ts";
import { type StartOptions, start, startLink } from "../start/start.ts";
import type { MaybeAsync } from "./definition.ts";
import { fromGenServer, type GenServerLogic } from "./gen-server.ts";

/** What a cell is asked to do with its state. */
type Change<State> = (state: State) => MaybeAsync<{ reply: unknown; state: State }>;

interface CellProtocol<State> {
  call: Change<State>;
  reply: unknown;
  cast: (state: State) => MaybeAsync<State>;
}

/** A cell's process. */
export type Cell<State> = Ref<CellProtocol<State>>;

/** Options of a cell's start. */
export type CellOptions = Omit<StartOptions, "input">;

/** The logic of a cell: for supervisors. `initial` runs in the cell; its start waits for it. */
export function fromCell<State>(
  initial: () => MaybeAsync<State>,
): GenServerLogic<State, undefined, CellProtocol<State>> {
  return fromGenServer({
    name: "cell",
    init: (_input: undefined) => settled(initial(), (state) => ({ state })),
    handleCall: (change: Change<State>, state) => change(state),
    handleCast: (change: (state: State) => MaybeAsync<State>, state) =>
      settled(change(state), (next) => ({ state: next })),
  });
}

/** Starts a cell, linked to nobody. Rejects as `start`. */
export function startCell<State>(initial: () => MaybeAsync<State>, options: CellOptions = {}): Promise<Cell<State>> {
  return start(fromCell(initial), options) as Promise<Cell<State>>;
}

/** Like `startCell`, linked to the process that is running. */
export function startCellLink<State>(
  initial: () => MaybeAsync<State>,
  options: CellOptions = {},
): Promise<Cell<State>> {
  return startLink(fromCell(initial), options) as Promise<Cell<State>>;
}

/** What `read` makes of the state. A throw or rejection ends the cell. Rejects as `call`. */
export function readCell<State, Result>(
  cell: Cell<State> | string,
  read: (state: State) => MaybeAsync<Result>,
  options: CallOptions = {},
): Promise<Result> {
  const change = (state: State) => settled(read(state), (reply) => ({ reply, state }));
  return ask(cell, change, options) as Promise<Result>;
}

/** Changes the state and settles when it is changed. A throw or rejection ends the cell. Rejects as `call`. */
export async function updateCell<State>(
  cell: Cell<State> | string,
  update: (state: State) => MaybeAsync<State>,
  options: CallOptions = {},
): Promise<void> {
  await ask(cell, (state: State) => settled(update(state), (next) => ({ reply: undefined, state: next })), options);
}

/** Changes the state and answers something of it. A throw or rejection ends the cell. Rejects as `call`. */
export function readAndUpdateCell<State, Result>(
  cell: Cell<State> | string,
  update: (state: State) => MaybeAsync<readonly [result: Result, state: State]>,
  options: CallOptions = {},
): Promise<Result> {
  const both = (state: State) => settled(update(state), ([reply, next]) => ({ reply, state: next }));
  return ask(cell, both, options) as Promise<Result>;
}

/** Changes the state some time later. A throw or rejection ends the cell. */
export function castCell<State>(cell: Cell<State> | string, update: (state: State) => MaybeAsync<State>): void {
  cast(cell as string, update);
}

function ask<State>(cell: Cell<State> | string, change: Change<State>, options: CallOptions): Promise<unknown> {
  return call(cell as string, change, options);
}

/** What `then` makes of a value: at once, or when it has come. */
function settled<Value, Result>(value: MaybeAsync<Value>, then: (value: Value) => Result): MaybeAsync<Result> {
  return isThenable(value) ? Promise.resolve(value as PromiseLike<Value>).then(then) : then(value as Value);
}
