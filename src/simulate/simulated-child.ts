/** A child in a simulation that is no agent: it starts at once, and ends when its faults say so. None of its own code runs. */

import type { AnyActorRef } from "xstate";
import type { ExitReason } from "../otp/report/exit-reason.ts";
import { createChildActor, rootLogic, stopActor } from "../otp/scheduler/xstate-adapter.ts";
import type { ChildScope, RunningChild } from "../otp/supervisor/running-child.ts";
import type { CrashKind, StartFaultKind } from "./faults.ts";
import type { World } from "./world.ts";

/** Starts one. What its faults say of its start takes no time; a start that fails throws. */
export function startSimulatedChild(scope: ChildScope, incarnation: number, world: World): RunningChild {
  const { clock, recorder } = world;
  const record = recorder.child(scope.childId, scope.path, "other");
  const life = world.nextLife(scope.childId, scope.path, incarnation);
  record.starts += 1;
  clock.stir();
  if ("failsAs" in life) {
    record.crashes += 1;
    record.enter("down", clock.now());
    throw errorOf(life.failsAs);
  }
  const actor: AnyActorRef = createChildActor(rootLogic, scope.supervisor, { id: scope.childId });
  actor.start();
  record.enter("up", clock.now());
  let ended = false;
  const end = (reason: ExitReason, state: "down" | "stopped") => {
    if (ended) return;
    ended = true;
    clock.clearTimeout(timer);
    clock.stir();
    record.enter(state, clock.now());
    stopActor(actor);
    scope.exited(reason);
  };
  const { crash } = life;
  const timer =
    crash === undefined
      ? undefined
      : clock.after(crash.afterMs, () => {
          record.crashes += 1;
          end(crash.kind === "finished" ? "normal" : errorOf(crash.kind), "down");
        });
  return {
    ref: { path: scope.path },
    actor,
    stop: (reason) => end(reason, "stopped"),
    kill: () => end("killed", "stopped"),
  };
}

function errorOf(kind: CrashKind | StartFaultKind): Error {
  const error = new Error(`simulated: ${kind}`);
  // A policy may go by the name of an error.
  error.name = kind;
  return error;
}
