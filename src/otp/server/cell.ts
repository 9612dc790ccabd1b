/** State in a process of its own, read and changed by functions that run there one at a time. Source: Elixir's Agent. */

import { type CallOptions, call, cast } from "../request/call.ts";
import type { Ref } from "../request/protocol.ts";
import { type StartOptions, start, startLink } from "../start/start.ts";
import { fromGenServer, type GenServerLogic } from "./gen-server.ts";

/** What a cell is asked to do with its state. */
type Change<State> = (state: State) => { reply: unknown; state: State };

interface CellProtocol<State> {
  call: Change<State>;
  reply: unknown;
  cast: (state: State) => State;
}

/** A cell's process. */
export type Cell<State> = Ref<CellProtocol<State>>;

/** Options of a cell's start. */
export type CellOptions = Omit<StartOptions, "input">;

/** The logic of a cell: for supervisors. `initial` runs in the cell. */
export function fromCell<State>(initial: () => State): GenServerLogic<State, undefined, CellProtocol<State>> {
  return fromGenServer({
    name: "cell",
    init: (_input: undefined) => ({ state: initial() }),
    handleCall: (change: Change<State>, state) => change(state),
    handleCast: (change: (state: State) => State, state) => ({ state: change(state) }),
  });
}

/** Starts a cell, linked to nobody. Rejects as `start`. */
export function startCell<State>(initial: () => State, options: CellOptions = {}): Promise<Cell<State>> {
  return start(fromCell(initial), options) as Promise<Cell<State>>;
}

/** Like `startCell`, linked to the process that is running. */
export function startCellLink<State>(initial: () => State, options: CellOptions = {}): Promise<Cell<State>> {
  return startLink(fromCell(initial), options) as Promise<Cell<State>>;
}

/** What `read` makes of the state. A throw ends the cell. Rejects as `call`. */
export function readCell<State, Result>(
  cell: Cell<State> | string,
  read: (state: State) => Result,
  options: CallOptions = {},
): Promise<Result> {
  return change(cell, (state: State) => ({ reply: read(state), state }), options) as Promise<Result>;
}

/** Changes the state and settles when it is changed. A throw ends the cell. Rejects as `call`. */
export async function updateCell<State>(
  cell: Cell<State> | string,
  update: (state: State) => State,
  options: CallOptions = {},
): Promise<void> {
  await change(cell, (state: State) => ({ reply: undefined, state: update(state) }), options);
}

/** Changes the state and answers something of it. A throw ends the cell. Rejects as `call`. */
export function readAndUpdateCell<State, Result>(
  cell: Cell<State> | string,
  update: (state: State) => readonly [result: Result, state: State],
  options: CallOptions = {},
): Promise<Result> {
  const both = (state: State) => {
    const [reply, next] = update(state);
    return { reply, state: next };
  };
  return change(cell, both, options) as Promise<Result>;
}

/** Changes the state some time later. A throw ends the cell. */
export function castCell<State>(cell: Cell<State> | string, update: (state: State) => State): void {
  cast(cell as string, update);
}

function change<State>(cell: Cell<State> | string, asked: Change<State>, options: CallOptions): Promise<unknown> {
  return call(cell as string, asked, options);
}
