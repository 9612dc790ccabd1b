/** What TypeScript makes of child specifications: whether an input fits its logic, and what a start settles with. Nothing of it runs. */

import type { AnyActorLogic } from "xstate";
import type { Ref } from "../request/protocol.ts";
import type { ProtocolOfLogic } from "../start/start.ts";
import type { DefinedMark, LogicChildFields, LogicChildSpec, StartChildSpec } from "./child-spec.ts";
import type { RunningChild, StartedWithInfo } from "./running-child.ts";

/** What is asked of a specification beside its own type: the input that its logic takes, and no field that does not exist. */
export type CheckedChild<Spec> = Spec extends { readonly logic: infer Logic extends AnyActorLogic }
  ? LogicChildSpec<Logic> & NoFields<Exclude<keyof Spec, keyof LogicChildFields | "input">>
  : DefinedMark extends keyof Spec
    ? unknown
    : NoFields<Exclude<keyof Spec, keyof StartChildSpec>>;

/** A list of children, each of them checked. */
export type CheckedChildren<Children extends readonly unknown[]> = {
  readonly [Index in keyof Children]: Children[Index] & CheckedChild<Children[Index]>;
};

/** A type of its own and not `never`: that would make the whole specification `never`, and the error would not say which field. */
interface NoSuchField {
  readonly "there is no such field in a child specification": never;
}

type NoFields<Field extends PropertyKey> = { readonly [Name in Field]?: NoSuchField };

/** The ref of a specification's child. */
export type RefOfChild<Spec> = Spec extends { readonly logic: infer Logic }
  ? Ref<ProtocolOfLogic<Logic>>
  : Spec extends { readonly start: (scope: never) => infer Answer }
    ? RefOfAnswer<Awaited<Answer>>
    : unknown;

type RefOfAnswer<Answer> = Answer extends undefined
  ? never
  : Answer extends RunningChild
    ? Answer["ref"]
    : Answer extends StartedWithInfo
      ? RefOfAnswer<Answer["ref"]>
      : Answer;

/** What the start of a specification's child settles with: its ref, or the ref with what the start function adds. */
export type StartedBy<Spec> = Spec extends { readonly logic: unknown }
  ? RefOfChild<Spec>
  : Spec extends { readonly start: (scope: never) => infer Answer }
    ? StartedByAnswer<Awaited<Answer>>
    : unknown;

type StartedByAnswer<Answer> = Answer extends RunningChild
  ? Answer["ref"]
  : Answer extends StartedWithInfo
    ? StartedWithInfo<RefOfAnswer<Answer["ref"]>, Answer["info"]>
    : Answer;

type IdOf<Spec> = Spec extends { readonly id: infer Id extends string }
  ? Id
  : Spec extends { readonly name: infer Name extends string }
    ? Name
    : string;

/** The specification of an id among a list whose ids TypeScript knows; `never` when it does not know. */
export type ChildOf<Children extends readonly unknown[], Id> = Children[number] extends infer Spec
  ? Spec extends unknown
    ? string extends IdOf<Spec>
      ? never
      : Id extends IdOf<Spec>
        ? Spec
        : never
    : never
  : never;

/** The ref of a child by its id: unknown when TypeScript does not know the id. */
export type RefOfId<Children extends readonly unknown[], Id> = [ChildOf<Children, Id>] extends [never]
  ? unknown
  : RefOfChild<ChildOf<Children, Id>>;

/** What a start of a child by its id settles with: unknown when TypeScript does not know the id. */
export type StartedById<Children extends readonly unknown[], Id> = [ChildOf<Children, Id>] extends [never]
  ? unknown
  : StartedBy<ChildOf<Children, Id>>;
