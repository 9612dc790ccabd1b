/**
 * Everything that touches an XState internal: `_stop` (a child actor has no public way to be stopped by anyone but its parent's own
 * actions) and the `parent` option of `createActor`. `test/otp/xstate-adapter.test.ts` is the contract that pins them for `xstate ^5.33`.
 */

import { type Actor, type ActorOptions, type AnyActorLogic, type AnyActorRef, createActor } from "xstate";

/** Creates an actor under a parent without entering the parent's `snapshot.children`. It is not started. */
export function createChildActor<Logic extends AnyActorLogic>(
  logic: Logic,
  parent: AnyActorRef,
  options: { id: string; input?: unknown },
): Actor<Logic> {
  return createActor(logic, { ...options, parent } as unknown as ActorOptions<Logic>);
}

/** Stops any actor, child or root, at once. Stopping an actor that has ended does nothing. */
export function stopActor(actor: AnyActorRef): void {
  (actor as AnyActorRef & { _stop(): unknown })._stop();
}

/** The id of the actor that an `xstate.done.actor.*` or `xstate.error.actor.*` event tells of, and how it ended. */
export function readActorEnd(event: unknown): { actorId: string; error?: unknown; failed: boolean } | undefined {
  const { type, actorId } = event as { type?: string; actorId?: string };
  if (type === undefined || actorId === undefined) return undefined;
  if (type.startsWith("xstate.done.actor.")) return { actorId, failed: false };
  if (type.startsWith("xstate.error.actor."))
    return { actorId, failed: true, error: (event as { error: unknown }).error };
  return undefined;
}

/** The state of any actor as one word or dotted path: a machine's state value, or the actor's status. */
export function actorState(actor: AnyActorRef): string {
  const snapshot = actor.getSnapshot() as { status?: string; value?: unknown } | undefined;
  if (snapshot?.value !== undefined) {
    return typeof snapshot.value === "string" ? snapshot.value : JSON.stringify(snapshot.value);
  }
  return snapshot?.status ?? "active";
}
