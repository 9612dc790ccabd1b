/** Processes by key: a name service, a table of properties, or publish and subscribe. Source: Elixir's Registry. */

import { describeValue } from "../../describe-value.ts";
import { CallerError, invalidArgument, ProcessError } from "../../errors.ts";
import { checkFunction } from "../process/argument.ts";
import { self } from "../process/current.ts";
import type { Process, Runtime } from "../process/process.ts";
import { checkRef, describeTarget, type NameService, resolveTarget, type Target, type Via } from "../process/target.ts";
import type { ExitReason } from "../report/exit-reason.ts";
import { collectEntries, type RegistryEntry } from "./entry.ts";
import { Holders } from "./holders.ts";
import { KeyLock } from "./key-lock.ts";
import { KeyMap } from "./key-map.ts";
import { tellListeners } from "./listeners.ts";
import { checkedOptions, type RegistryOptions } from "./options.ts";
import { startTable } from "./table-process.ts";

/** What a listener receives, as an ordinary message. A registration that ends with its process is told too. */
export type RegistryMessage<Key = unknown, Value = unknown> =
  | {
      readonly type: "registry.register";
      readonly registry: Registry<Key, Value>;
      readonly key: Key;
      readonly process: Process;
      readonly value: Value;
    }
  | {
      readonly type: "registry.unregister";
      readonly registry: Registry<Key, Value>;
      readonly key: Key;
      readonly process: Process;
    };

const registries = new WeakMap<Process, Registry<never, never>>();

/**
 * A registry. Registrations end with their process, before links and monitors are told of its end. Keys are equal as in a {@link KeyMap}.
 * It lives in a process of its own. When that ends, the table is empty for good, and the processes that were registered get its exit signal, as if they
 * were linked to it ("shutdown" when it ended "normal"): they end too, unless they trap exits. Source: Elixir's Registry.register, which links.
 */
export class Registry<Key = unknown, Value = unknown> implements NameService {
  /** The registry's own process. */
  readonly process: Process;
  /** "unique": a key has one holder. "duplicate": any number of processes, any number of times. */
  readonly kind: "unique" | "duplicate";
  readonly #table = new Holders<Key, Value[]>((held, process, values) =>
    this.#tellUnregistered(held.key, process, values.length),
  );
  readonly #meta = new KeyMap<unknown, unknown>();
  readonly #locks = new KeyLock();
  readonly #listeners: readonly Target[];

  private constructor(options: RegistryOptions, process: Process) {
    checkRef("process", process);
    this.kind = options.keys;
    this.process = process;
    this.#listeners = options.listeners ?? [];
    registries.set(process, this as unknown as Registry<never, never>);
    process.addExitHook((reason) => this.#end(reason));
  }

  /**
   * Starts a registry, linked to nobody. As a child of a supervisor: `{ id, start: () => Registry.start({ keys: "unique" }) }`.
   * @throws CallerError "invalid_argument", or "already_started" when its name is taken
   */
  static start<Key = unknown, Value = unknown>(options: RegistryOptions): Registry<Key, Value> {
    return new Registry<Key, Value>(options, startTable("registry", checkedOptions(options)));
  }

  /** Like `start`, linked to the process that is running. */
  static startLink<Key = unknown, Value = unknown>(options: RegistryOptions): Registry<Key, Value> {
    return new Registry<Key, Value>(options, startTable("registry", checkedOptions(options), self()));
  }

  /**
   * The live registry of a name or a process: what code holds that outlives a registry's restart.
   * @throws CallerError "invalid_argument" when there is none
   */
  static of<Key = unknown, Value = unknown>(target: Target): Registry<Key, Value> {
    const registry = find<Key, Value>(target);
    if (registry !== undefined) return registry;
    throw invalidArgument("registry", describeTarget(target), "the name or process of a live registry");
  }

  /**
   * A key as a name, in whatever registry has the name `target` when it is used: what the specification of a child says, which outlives a registry's
   * restart. While there is no such registry it is the name of nobody, and a start under it fails.
   */
  static via<Key = unknown, Value = unknown>(target: Target, key: Key, value?: Value): Via {
    return {
      key,
      via: {
        whereisName: () => find(target)?.whereisName(key),
        registerName(_key, process) {
          const registry = find<Key, Value>(target, process.runtime);
          if (registry === undefined) throw refused(`there is no registry ${describeTarget(target)}`);
          registry.via(key, value as Value).via.registerName(key, process);
        },
      },
    };
  }

  /**
   * Registers a process (default: the one that is running) under a key. A dead holder of a unique key is replaced.
   * @throws CallerError "already_started" when the key is taken (`value` is its holder); ProcessError "noproc" when the process or the registry
   * has ended
   */
  register(key: Key, value: Value, process: Process = self()): void {
    checkRef("process", process);
    if (!process.alive) throw refused(`${process} has ended`);
    if (!this.process.alive) throw refused(`${this.process} has ended`);
    const holder = this.kind === "unique" ? this.#holder(key) : undefined;
    if (holder?.alive === true) {
      const message = `the key ${describeValue(key)} is taken by ${holder}`;
      throw new CallerError("already_started", message, { field: "key", value: holder });
    }
    if (holder !== undefined) this.#table.drop(holder);
    const held = this.#table.at(key);
    const values = held?.holders.get(process);
    if (values === undefined) this.#table.hold(key, held, process, [value]);
    else values.push(value);
    this.#tell({ type: "registry.register", registry: this, key, process, value });
  }

  /** Takes back all registrations of a process (default: the one that is running) under a key. Nothing happens when there are none. */
  unregister(key: Key, process: Process = self()): void {
    this.unregisterMatch(key, () => true, process);
  }

  /** Takes back the registrations under a key whose value matches. The others keep their order. */
  unregisterMatch(key: Key, matches: (value: Value) => boolean, process: Process = self()): void {
    checkFunction("matches", matches);
    checkRef("process", process);
    const held = this.#table.at(key);
    const values = held?.holders.get(process);
    if (held === undefined || values === undefined) return;
    const kept = values.filter((value) => !matches(value));
    if (kept.length === 0) this.#table.release(held, process);
    else held.holders.set(process, kept);
    this.#tellUnregistered(key, process, values.length - kept.length);
  }

  /** What is registered under a key; a process that has ended is not listed. */
  lookup(key: Key): RegistryEntry<Key, Value>[] {
    return this.match(key, () => true);
  }

  /** The keys of a process (default: the one that is running), one for each registration. */
  keys(process: Process = self()): Key[] {
    checkRef("process", process);
    if (!process.alive) return [];
    return [...this.#table.heldBy(process)].flatMap(({ key, holders }) => (holders.get(process) ?? []).map(() => key));
  }

  /** The values of a process (default: the one that is running) under a key. */
  values(key: Key, process: Process = self()): Value[] {
    checkRef("process", process);
    return process.alive ? [...(this.#table.at(key)?.holders.get(process) ?? [])] : [];
  }

  /**
   * Changes the value of the running process's own registration; of a unique registry only.
   * @returns undefined, and `update` is not called, when the process does not hold the key
   * @throws CallerError "invalid_argument" for a duplicate registry
   */
  updateValue(key: Key, update: (value: Value) => Value): { readonly new: Value; readonly old: Value } | undefined {
    if (this.kind !== "unique") throw invalidArgument("registry", this.process.toString(), "of unique keys");
    checkFunction("update", update);
    const process = self();
    const values = process.alive ? this.#table.at(key)?.holders.get(process) : undefined;
    if (values === undefined) return undefined;
    const old = values[0] as Value;
    values[0] = update(old);
    return { new: values[0], old };
  }

  /** Calls `code` with everything under a key, in the process that dispatches; not at all when there is nothing. */
  dispatch(key: Key, code: (entries: RegistryEntry<Key, Value>[]) => void): void {
    checkFunction("code", code);
    const entries = this.lookup(key);
    if (entries.length > 0) code(entries);
  }

  /** The registrations under a key that match. */
  match(key: Key, matches: (value: Value, process: Process) => boolean): RegistryEntry<Key, Value>[] {
    checkFunction("matches", matches);
    const held = this.#table.at(key);
    return collectEntries(held === undefined ? [] : [held], ({ value, process }) => matches(value, process));
  }

  /** How many registrations under a key match. */
  countMatch(key: Key, matches: (value: Value, process: Process) => boolean): number {
    return this.match(key, matches).length;
  }

  /** All registrations that match, whatever their key; all there are without `matches`. */
  select(matches: (entry: RegistryEntry<Key, Value>) => boolean = () => true): RegistryEntry<Key, Value>[] {
    checkFunction("matches", matches);
    return collectEntries(this.#table.all(), matches);
  }

  /** How many registrations match, whatever their key. */
  countSelect(matches: (entry: RegistryEntry<Key, Value>) => boolean): number {
    return this.select(matches).length;
  }

  /** How many registrations there are. */
  count(): number {
    return this.select().length;
  }

  /** What was stored about the registry itself under a key; undefined when there is nothing. */
  meta(key: unknown): unknown {
    return this.#meta.get(key);
  }

  /** Stores something about the registry itself. */
  putMeta(key: unknown, value: unknown): void {
    this.#meta.set(key, value);
  }

  /** Forgets what was stored about the registry itself. */
  deleteMeta(key: unknown): void {
    this.#meta.delete(key);
  }

  /** Runs `code` while nobody else runs under the same lock; see {@link KeyLock.run}. Locks and registered keys have nothing to do with each other. */
  lock<Result>(key: unknown, code: () => Result | Promise<Result>): Promise<Result> {
    return this.#locks.run(key, code);
  }

  /**
   * A key as a name for `start`, `call` and their kin. A process that is started under it is registered with `value`.
   * @throws CallerError "invalid_argument" for a duplicate registry
   */
  via(key: Key, ...[value]: undefined extends Value ? [value?: Value] : [value: Value]): Via {
    this.#checkNames();
    return {
      key,
      via: {
        whereisName: () => this.whereisName(key),
        registerName: (_key, process) => this.register(key, value as Value, process),
      },
    };
  }

  /** {@inheritDoc NameService.whereisName} */
  whereisName(key: unknown): Process | undefined {
    this.#checkNames();
    const holder = this.#holder(key as Key);
    return holder?.alive === true ? holder : undefined;
  }

  /** {@inheritDoc NameService.registerName} */
  registerName(key: unknown, process: Process): void {
    this.#checkNames();
    this.register(key as Key, undefined as Value, process);
  }

  #checkNames(): void {
    if (this.kind === "unique") return;
    throw invalidArgument(
      "via",
      this.process.toString(),
      "a registry of unique keys: one of duplicate keys names nobody",
    );
  }

  /** Who holds a unique key, dead or alive. */
  #holder(key: Key): Process | undefined {
    return this.#table.at(key)?.holders.keys().next().value;
  }

  #end(reason: ExitReason): void {
    this.#meta.clear();
    for (const process of this.#table.clear()) {
      process.signal(this.process, reason === "normal" ? "shutdown" : reason, "link");
    }
  }

  #tellUnregistered(key: Key, process: Process, count: number): void {
    const message = { type: "registry.unregister", registry: this, key, process } as const;
    for (let left = count; left > 0; left -= 1) this.#tell(message);
  }

  #tell(message: RegistryMessage<Key, Value>): void {
    tellListeners(this.#listeners, message, this.process.runtime);
  }
}

/** The live registry of a name or a process. */
function find<Key, Value>(target: Target, runtime?: Runtime): Registry<Key, Value> | undefined {
  const process = resolveTarget(target, runtime);
  return process?.alive === true ? (registries.get(process) as Registry<Key, Value> | undefined) : undefined;
}

function refused(why: string): ProcessError {
  return new ProcessError("noproc", `cannot register: ${why}`, { reason: "noproc" });
}
