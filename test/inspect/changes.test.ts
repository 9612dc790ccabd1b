import { expect, test } from "vitest";
import { Changes } from "../../src/inspect/changes.ts";

const value = (name: string, state: string) => ({ name, state });

test("what is new or otherwise than before is told, and what is gone by its name", () => {
  const changes = new Changes<{ name: string; state: string }>(({ name }) => name);
  const [a, b] = [value("a", "on"), value("b", "on")];
  expect(changes.since([a, b])).toEqual({ changed: [a, b], removed: [] });
  expect(changes.since([value("a", "on"), value("b", "off")])).toEqual({ changed: [value("b", "off")], removed: [] });
  expect(changes.since([b])).toEqual({ changed: [b], removed: ["a"] });
  expect(changes.all).toEqual([b]);
  changes.clear();
  expect([changes.all, changes.since([b])]).toEqual([[], { changed: [b], removed: [] }]);
});
