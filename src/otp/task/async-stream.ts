/** The same work for many items, so many at a time, as an async iterable of outcomes. Source: Elixir's Task.async_stream. */

import { invalidArgument } from "../../errors.ts";
import type { ExitReason } from "../report/exit-reason.ts";
import type { ProcessContext } from "../start/spawn.ts";
import { type AsyncStreamOptions, checkCode, normalizeStreamOptions } from "./options.ts";
import { type StreamPlan, StreamRun, type StreamTasks } from "./stream-run.ts";
import { type Inputs, isIterable } from "./stream-source.ts";

/** What a stream yields for an item. */
export type StreamOutcome<Input, Result, Options = AsyncStreamOptions> =
  | { readonly ok: Result }
  | {
      readonly exit: Options extends { readonly zipInputOnExit: true }
        ? { readonly input: Awaited<Input>; readonly reason: ExitReason }
        : ExitReason;
    };

/** The work for an item. An item that is a promise is awaited before. */
export type StreamWork<Input, Result> = (
  input: Awaited<Input>,
  context: ProcessContext,
) => Result | PromiseLike<Result>;

/** Makes the iterable. Every iteration is a run of its own. @throws CallerError "invalid_argument" */
export function streamTasks<Input, Result, Options extends AsyncStreamOptions>(
  inputs: Inputs<Input>,
  work: StreamWork<Input, Result>,
  options: Options,
  tasks: StreamTasks,
): AsyncIterable<StreamOutcome<Input, Result, Options>> {
  const normal = normalizeStreamOptions(options);
  checkCode(work);
  if (!isIterable(inputs)) throw invalidArgument("inputs", inputs, "an iterable or async iterable");
  const plan: StreamPlan = { inputs, work: work as StreamPlan["work"], options: normal, tasks };
  return {
    [Symbol.asyncIterator]: () =>
      new StreamRun(plan).iterator() as AsyncIterator<StreamOutcome<Input, Result, Options>>,
  };
}
