/** Puts sequences of ends to the policies of one supervisor after the other, and keeps what it finds. */

import { wantsRestart } from "../otp/policy/restart-policy.ts";
import { createChild } from "../otp/supervisor/child.ts";
import type { NormalChildSpec } from "../otp/supervisor/child-spec.ts";
import type { NormalSupervisorSpec } from "../otp/supervisor/spec.ts";
import type { Exploration, FindingType, PolicyFinding } from "./finding.ts";
import { type EndKind, type ExploredEnd, kindsOf, reasonOf, Trial, type TriedEnd } from "./trial.ts";

const dayMs = 86_400_000;
/** Restarts of a child that ends at once, until it counts as for ever. */
const forEver = 2_000;
/** So many of the last ones are looked at, which must take so long. */
const lastRestarts = 100;
const leastPauseMs = 25;
/** Ends after a day of health, one after the other. */
const healthyEnds = 50;
/** Ends of one child before the first one of its sibling. */
const siblingEnds = 20;
/** By how much longer a sibling may be down. */
const starvedMs = 60_000;
/** Children of one supervisor that are tried at all, and in mixed sequences. */
const mostChildren = 12;
const mostMixed = 4;

/** The explorer of one tree. */
export class Explorer {
  readonly #depth: number;
  readonly #maxSequences: number;
  readonly #findings = new Map<string, PolicyFinding>();
  readonly #notExplored = new Set<string>();
  #sequences = 0;

  constructor(depth: number, maxSequences: number) {
    this.#depth = depth;
    this.#maxSequences = maxSequences;
  }

  /** Looks at one supervisor and its children. */
  look(spec: NormalSupervisorSpec, path: string): void {
    const children = this.#choose(spec, path);
    for (const child of children) {
      const kinds = kindsOf(spec.children[child] as NormalChildSpec);
      for (const kind of kinds) {
        this.#loop(spec, path, child, [kind]);
        for (const other of kinds) if (other !== kind) this.#loop(spec, path, child, [kind, other]);
        this.#recovery(spec, path, child, kind);
        for (const sibling of children) if (sibling !== child) this.#sibling(spec, path, child, kind, sibling);
      }
    }
    this.#anything(spec, path, children);
  }

  result(): Exploration {
    return {
      findings: [...this.#findings.values()],
      sequences: this.#sequences,
      notExplored: [
        ...this.#notExplored,
        `mixed sequences longer than ${this.#depth}; runs that were anything between "at once" and "a day"`,
        "ends that do not count (of a run that is poisonous, of a zygote), and restarts that a sibling's strategy causes",
        "what a policy does with kinds of end that it is not asked about here, such as errors of its own names",
      ],
    };
  }

  /** One child of each sort, by policy and restart type, then a second one of those without a policy of their own. */
  #choose({ children }: NormalSupervisorSpec, path: string): number[] {
    const seen = new Map<string, number>();
    const policies: unknown[] = [];
    const chosen = children.flatMap((child, index) => {
      const { restart, type, policy } = child;
      if (!policies.includes(policy)) policies.push(policy);
      const sort = `${restart} ${type} ${policies.indexOf(policy)} ${kindsOf(child).length}`;
      const before = seen.get(sort) ?? 0;
      seen.set(sort, before + 1);
      return before < (policy === undefined ? 2 : 1) ? [{ index, again: before }] : [];
    });
    const tried = chosen
      .sort((a, b) => a.again - b.again)
      .map(({ index }) => index)
      .slice(0, mostChildren);
    if (tried.length < children.length) {
      this.#notExplored.add(
        `${children.length - tried.length} of the ${children.length} children of "${path}": alike, or too many`,
      );
    }
    return tried;
  }

  /** A child that ends at once, in the same way or in two ways by turns. */
  #loop(spec: NormalSupervisorSpec, path: string, child: number, kinds: readonly EndKind[]): void {
    this.#sequences += 1;
    const trial = new Trial(spec, path);
    const times: number[] = [];
    for (let count = 0; count < forEver; count += 1) {
      const end = trial.end({ child, kind: kinds[count % kinds.length] as EndKind, afterMs: 0 });
      if (this.#failed(trial) || end.decision !== "restart") return;
      times.push(trial.nowMs);
      // It has found its pauses.
      if (count % lastRestarts === 0 && lastTookMs(times) > 10 * leastPauseMs * lastRestarts) return;
    }
    const tookMs = lastTookMs(times);
    if (tookMs >= leastPauseMs * lastRestarts) return;
    const how = kinds.join(" and ");
    const sentence = `ends at once (${how}) and is restarted for ever: the last ${lastRestarts} of ${forEver} restarts take ${tookMs} ms`;
    this.#found("restarts_for_ever", trial.ends.slice(0, kinds.length), sentence, true);
  }

  /** A child that was well for a day before each end. One that is left down at its first end of a kind is meant to be. */
  #recovery(spec: NormalSupervisorSpec, path: string, child: number, kind: EndKind): void {
    const { restart } = spec.children[child] as NormalChildSpec;
    if (!wants(spec, child, kind)) return;
    this.#sequences += 1;
    const trial = new Trial(spec, path);
    for (let count = 1; count <= healthyEnds; count += 1) {
      const end = trial.end({ child, kind, afterMs: dayMs });
      if (this.#failed(trial)) return;
      if (end.decision === "restart" && (end.delayMs ?? 0) <= dayMs) continue;
      if (
        count === 1 &&
        kindsOf(spec.children[child] as NormalChildSpec).some((other) => isUpAfter(spec, child, other))
      ) {
        this.#notExplored.add(
          `what follows "${kind}" of ${end.path}: it is left down at the first one, which is a rule`,
        );
        return;
      }
      const what = end.decision === "restart" ? `is down for ${end.delayMs} ms` : `is not restarted (${end.decision})`;
      const sentence = `a ${restart} child that was well for a day before each of its ${count} ends ${what}`;
      this.#found("never_recovers", trial.ends, sentence, false);
      return;
    }
  }

  /** A child that has not ended yet, after ends of a sibling. */
  #sibling(spec: NormalSupervisorSpec, path: string, child: number, kind: EndKind, sibling: number): void {
    for (const own of kindsOf(spec.children[sibling] as NormalChildSpec)) {
      const alone = new Trial(spec, path).end({ child: sibling, kind: own, afterMs: 0 });
      if (alone.decision !== "restart") continue;
      for (let count = 1; count <= siblingEnds; count += 1) {
        this.#sequences += 1;
        const trial = new Trial(spec, path);
        for (let times = 0; times < count && trial.canEnd(child); times += 1) trial.end({ child, kind, afterMs: 0 });
        if (this.#failed(trial) || !trial.canEnd(sibling)) break;
        const end = trial.end({ child: sibling, kind: own, afterMs: 0 });
        const longerMs = (end.delayMs ?? 0) - (alone.delayMs ?? 0);
        if (end.decision === "give_up" || (end.decision === "restart" && longerMs <= starvedMs)) {
          if (!trial.canEnd(child)) break;
          continue;
        }
        const what = end.decision === "leave" ? "stays down" : `is down for ${longerMs} ms longer`;
        const sentence = `${what} at its own first end, because a sibling had ended ${count} times; alone it is restarted`;
        this.#found("starves_sibling", trial.ends, sentence, false);
        break;
      }
    }
  }

  /** Every sequence of a few ends, the shorter ones first. */
  #anything(spec: NormalSupervisorSpec, path: string, children: readonly number[]): void {
    const alphabet = children
      .slice(0, mostMixed)
      .flatMap((child) =>
        kindsOf(spec.children[child] as NormalChildSpec).flatMap((kind) =>
          [0, dayMs].map((afterMs): TriedEnd => ({ child, kind, afterMs })),
        ),
      );
    let sequences: (readonly TriedEnd[])[] = [[]];
    let tried = 0;
    for (let length = 1; length <= this.#depth; length += 1) {
      const longer: (readonly TriedEnd[])[] = [];
      for (const before of sequences) {
        for (const next of alphabet) {
          if (tried === this.#maxSequences) {
            this.#notExplored.add(`mixed sequences of "${path}" beyond the first ${this.#maxSequences} (maxSequences)`);
            return;
          }
          tried += 1;
          const sequence = [...before, next];
          if (this.#try(spec, path, sequence)) longer.push(sequence);
        }
      }
      sequences = longer;
    }
  }

  /** Whether the sequence can go on. */
  #try(spec: NormalSupervisorSpec, path: string, sequence: readonly TriedEnd[]): boolean {
    this.#sequences += 1;
    const trial = new Trial(spec, path);
    for (const next of sequence) {
      if (!trial.canEnd(next.child)) return false;
      const end = trial.end(next);
      if (this.#failed(trial)) return false;
      if (end.decision !== "restart" || wants(spec, next.child, next.kind)) continue;
      const { restart } = spec.children[next.child] as NormalChildSpec;
      this.#found("revives_stopped", trial.ends, `a ${restart} child is restarted after "${next.kind}"`, false);
      return false;
    }
    return true;
  }

  #failed(trial: Trial): boolean {
    if (trial.failure === undefined) return false;
    this.#found("policy_fails", trial.ends, trial.failure, false);
    return true;
  }

  /** Of each type and child the shortest is kept. */
  #found(type: FindingType, ends: readonly ExploredEnd[], sentence: string, repeats: boolean): void {
    const path = ends.at(-1)?.path ?? "";
    const key = `${type} ${path}`;
    const before = this.#findings.get(key);
    if (before !== undefined && before.ends.length <= ends.length) return;
    this.#findings.set(key, { type, path, ends: [...ends], repeats, sentence });
  }
}

function lastTookMs(times: readonly number[]): number {
  return (times.at(-1) ?? 0) - (times.at(-lastRestarts) ?? Number.POSITIVE_INFINITY);
}

/** Whether the child's restart type has it come back after an end of this kind. */
function wants({ children }: NormalSupervisorSpec, child: number, kind: EndKind): boolean {
  const spec = children[child] as NormalChildSpec;
  return wantsRestart(spec.restart, reasonOf({ ...createChild(spec, spec.id), incarnation: 1 }, kind, 0, 0));
}

/** Whether the first end of this kind, after a day, leads to a restart. */
function isUpAfter(spec: NormalSupervisorSpec, child: number, kind: EndKind): boolean {
  const { decision, delayMs = 0 } = new Trial(spec, spec.id).end({ child, kind, afterMs: dayMs });
  return decision === "restart" && delayMs <= dayMs;
}
