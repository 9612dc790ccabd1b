import { expect, test } from "vitest";
import { createMachine } from "xstate";
import { agentMachine } from "../../../src/agent/machine.ts";
import { definitionText } from "../../../src/inspect/definition-text.ts";
import { activeStates, layOut } from "../../../src/viewer/page/chart.ts";

test("an agent's chart has all its states, each in a place of its own, and arrows with their events", () => {
  const chart = layOut(definitionText(agentMachine.config, "agent"));
  expect(chart?.states.map(({ name }) => name)).toEqual(Object.keys(agentMachine.config.states ?? {}));
  expect(new Set(chart?.states.map(({ x, y }) => `${x} ${y}`)).size).toBe(chart?.states.length);
  const edge = chart?.edges.find(({ from, to }) => from === "ready" && to === "busy");
  expect(edge?.events).toEqual(["loop.silent", "run.started"]);
  expect(edge?.points.length).toBeGreaterThan(1);
  expect(chart?.states.find(({ name }) => name === "starting")?.isInitial).toBe(true);
});

test("nested and parallel states, delays, targets by id and what is invoked are drawn", () => {
  const { config } = createMachine({
    id: "m",
    initial: "work",
    states: {
      work: {
        initial: "one",
        on: { stop: "over", back: ".one" },
        states: { one: { after: { 10: "two" } }, two: { id: "second", on: { leave: "#m.over", again: "#second" } } },
      },
      over: { type: "final" },
      loading: { invoke: { src: "load", onDone: "over", onError: "work" } },
    },
  });
  const chart = layOut(definitionText({ ...config }, "m"));
  const arrows = chart?.edges.map(({ from, to, events }) => `${from} > ${to}: ${events.join()}`);
  expect(arrows).toEqual(
    expect.arrayContaining([
      "work > over: stop",
      "work > work.one: back",
      "work.one > work.two: after 10",
      "work.two > work.two: again",
      "loading > over: done",
      "loading > work: error",
    ]),
  );
  expect(chart?.states.find(({ id }) => id === "work")?.isGroup).toBe(true);
});

test("what is defined on the machine's root leads out of any state", () => {
  const { config } = createMachine({
    id: "m",
    initial: "on",
    on: { RESET: ".on", HALT: { target: "#m.off", guard: () => true }, NOTED: { actions: () => undefined } },
    after: { 60000: ".off" },
    states: { on: { on: { HALT: "off" } }, off: {} },
  });
  const chart = layOut(definitionText({ ...config }, "m"));
  expect(chart?.states.map(({ id, name, isAny }) => `${id} ${name} ${isAny}`)).toEqual([
    "* any state true",
    "on on false",
    "off off false",
  ]);
  expect(chart?.edges.map(({ from, to, events }) => `${from} > ${to}: ${events.join()}`)).toEqual([
    "* > on: RESET",
    "* > off: HALT,after 60000",
    "on > off: HALT",
  ]);
  expect(chart?.edges.every(({ points }) => points.length > 1)).toBe(true);
});

test("a root without transitions has no place of its own, and one with nothing but them has a chart of states alone", () => {
  const only = layOut(definitionText({ id: "m", on: { NOTED: {} }, states: { a: {} } }, "m"));
  expect(only?.states.map(({ id }) => id)).toEqual(["a"]);
});

test.each(["", "[]", "null", '{"id":"x"}', '{"states":{}}', "{oops"])("what is no chart is none: %s", (text) => {
  expect(layOut(text)).toBeUndefined();
});

test("a value stands for its states and those above", () => {
  expect(activeStates("a")).toEqual(["a"]);
  expect(activeStates({ a: { b: "c" }, d: "e" })).toEqual(["a", "a.b", "a.b.c", "d", "d.e"]);
});
