/** A border round a caller's inspection observer: XState calls observers inside its own transitions, where a throw would wedge an actor. */

import type { InspectionEvent, Observer } from "xstate";
import { onRejection } from "../otp/scheduler/thenable.ts";

/** What takes inspection events: an observer, or its `next` alone. */
export type Inspector = Observer<InspectionEvent> | ((event: InspectionEvent) => void);

/** A guarded observer. */
export interface GuardedInspector {
  /** Give this to XState. It never throws and returns at once. */
  readonly next: (event: InspectionEvent) => void;
  /** Hands over what is still buffered. */
  flush(): void;
}

/** How much may wait for a slow observer; beyond it, events other than actor registrations are dropped and counted. */
const bufferLimit = 20_000;
/** How long one turn of the event loop may be spent on the observer, in milliseconds. */
const turnMs = 8;

/**
 * Makes an observer safe: events are buffered and handed over in later turns, a few milliseconds each, in order; a throw is reported and the
 * next event still comes.
 */
export function guardInspector(
  inspector: Inspector,
  onTrouble: (trouble: { type: "inspect.threw"; error: unknown } | { type: "inspect.dropped"; events: number }) => void,
): GuardedInspector {
  const deliver = typeof inspector === "function" ? inspector : (event: InspectionEvent) => inspector.next?.(event);
  const onThrow = (error: unknown) => onTrouble({ type: "inspect.threw", error });
  let buffer: InspectionEvent[] = [];
  let head = 0;
  let scheduled = false;
  let dropped = 0;

  function handOver(untilMs: number): void {
    while (head < buffer.length) {
      const event = buffer[head] as InspectionEvent;
      head += 1;
      try {
        onRejection(deliver(event), onThrow);
      } catch (error) {
        onThrow(error);
      }
      if (performance.now() > untilMs) break;
    }
    if (head === buffer.length) {
      buffer = [];
      head = 0;
    } else if (head > 4_096) {
      buffer = buffer.slice(head);
      head = 0;
    }
    if (dropped > 0) {
      onTrouble({ type: "inspect.dropped", events: dropped });
      dropped = 0;
    }
  }

  function turn(): void {
    scheduled = false;
    handOver(performance.now() + turnMs);
    schedule();
  }

  function schedule(): void {
    if (scheduled || head === buffer.length) return;
    scheduled = true;
    setImmediate(turn);
  }

  return {
    next(event) {
      if (buffer.length - head >= bufferLimit && event.type !== "@xstate.actor") {
        dropped += 1;
        return;
      }
      buffer.push(event);
      schedule();
    },
    flush: () => handOver(Number.POSITIVE_INFINITY),
  };
}
