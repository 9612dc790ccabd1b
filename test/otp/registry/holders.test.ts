import { describe, expect, test } from "vitest";
import { exit } from "../../../src/otp/process/link.ts";
import type { Process } from "../../../src/otp/process/process.ts";
import { Holders } from "../../../src/otp/registry/holders.ts";
import { createPlace } from "../in-process.ts";

function create() {
  const place = createPlace();
  const givenBack: unknown[] = [];
  const table = new Holders<unknown, string>(({ key }, process, share) => givenBack.push([key, process, share]));
  const hold = (key: unknown, process: Process, share: string) => table.hold(key, table.at(key), process, share);
  const hooks = (process: Process) => process.exitHooks?.size ?? 0;
  const all = () => Array.from(table.all(), ({ key, holders }) => [key, [...holders.values()]]);
  return { ...place, table, hold, hooks, all, givenBack };
}

describe("a table of holders", () => {
  test("knows who holds a key, in the order they came, and what a process holds", () => {
    const { table, hold, idle, all } = create();
    const [one, two] = [idle(), idle()];
    hold("a", one, "1");
    hold(["list"], two, "2");
    hold("a", two, "3");
    expect(all()).toEqual([
      ["a", ["1", "3"]],
      [["list"], ["2"]],
    ]);
    expect([...(table.at(["list"])?.holders.keys() ?? [])]).toEqual([two]);
    expect(Array.from(table.heldBy(two), ({ key }) => key)).toEqual([["list"], "a"]);
    expect([table.at("b"), [...table.heldBy(idle())]]).toEqual([undefined, []]);
  });

  test("watches a process once while it holds something, and forgets a key with its last holder", () => {
    const { table, hold, idle, hooks, all, givenBack } = create();
    const process = idle();
    hold("a", process, "1");
    hold("b", process, "2");
    expect(hooks(process)).toBe(1);
    for (const key of ["a", "b"]) {
      const held = table.at(key);
      if (held !== undefined) table.release(held, process);
    }
    expect([hooks(process), all(), givenBack]).toEqual([0, [], []]);
  });

  test("is told of every share that an end gives back, and of none that was taken back before", () => {
    const { table, hold, idle, all, givenBack } = create();
    const [dying, other] = [idle(), idle()];
    hold("a", dying, "1");
    hold("b", dying, "2");
    hold("b", other, "3");
    hold("c", dying, "4");
    const held = table.at("c");
    if (held !== undefined) table.release(held, dying);
    exit(dying, "kill");
    expect(givenBack).toEqual([
      ["a", dying, "1"],
      ["b", dying, "2"],
    ]);
    expect(all()).toEqual([["b", ["3"]]]);
  });

  test("that is cleared answers who held something, and watches nobody", () => {
    const { table, hold, idle, hooks, all, givenBack } = create();
    const [one, two] = [idle(), idle()];
    for (const key of ["a", "b"]) for (const process of [one, two]) hold(key, process, key);
    expect(table.clear()).toEqual([one, two]);
    exit(one, "kill");
    expect([all(), hooks(two), givenBack]).toEqual([[], 0, []]);
  });
});
