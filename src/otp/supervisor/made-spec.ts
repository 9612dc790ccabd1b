/** Makes child specifications of logic, and of other specifications. Source: Elixir's Supervisor.child_spec/2. */

import type { AnyActorLogic, InputFrom } from "xstate";
import { invalidArgument } from "../../errors.ts";
import { isLogic } from "../scheduler/xstate-adapter.ts";
import type { LogicChildFields, StartChildSpec } from "./child-spec.ts";
import type { DynamicChildSpec } from "./dynamic.ts";
import { isRecord } from "./spec.ts";
import type { CheckedChild } from "./spec-inference.ts";

/** What a specification of logic says beside its logic. */
type Details<Id extends string> = Omit<LogicChildFields<AnyActorLogic, Id>, "logic"> & { readonly input?: unknown };

/** What replaces fields of a specification. */
type Overrides<Id extends string> = Details<Id> & { readonly start?: StartChildSpec["start"] };

/** A specification with some of its fields replaced. */
type Overridden<Spec, Given> = Omit<Spec, keyof Given> & Given;

/** Logic that can be started without an input. */
type Inputless<Logic extends AnyActorLogic> = undefined extends InputFrom<Logic> ? Logic : never;

/**
 * Makes a child specification: of logic and what is said of it, or of a specification with some of its fields replaced. It is inert, and checked where
 * it is used.
 * @throws CallerError "invalid_argument" for what is neither logic nor a specification
 */
export function childSpec<Logic extends AnyActorLogic>(logic: Inputless<Logic>): { readonly logic: Logic };
export function childSpec<Logic extends AnyActorLogic, Id extends string, Given extends Details<Id>>(
  logic: Logic,
  details: Given & Omit<CheckedChild<Given & { readonly logic: Logic }>, "logic">,
): Given & { readonly logic: Logic };
export function childSpec<Spec extends DynamicChildSpec, Id extends string, Given extends Overrides<Id>>(
  spec: Spec,
  overrides: Given & Partial<Omit<CheckedChild<Overridden<Spec, Given>>, "logic">>,
): Overridden<Spec, Given>;
export function childSpec(of: unknown, overrides: object = {}): object {
  if (!isRecord(overrides)) throw invalidArgument("overrides", overrides, "fields of a child spec");
  if (isLogic(of)) return { ...overrides, logic: of };
  if (isRecord(of) && ("logic" in of || "start" in of)) return { ...of, ...overrides };
  throw invalidArgument("spec", of, "XState logic or a child spec");
}
