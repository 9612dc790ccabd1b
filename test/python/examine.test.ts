import { expect, test } from "vitest";
import type { Candidate } from "../../src/python/candidates.ts";
import { examine } from "../../src/python/examine.ts";
import { realPython, usePythonRoom } from "./fixture-python.ts";

const room = usePythonRoom();
const candidate = (path: string | undefined): Candidate => ({ source: "option", path, given: "it" });
const never = () => Promise.reject(new Error("nobody is asked"));
const place = () => ({ cwd: room.path("."), env: {} });

test("what is not there, or cannot be executed, is not asked and not broken", async () => {
  expect(await examine(candidate(undefined), place(), never)).toMatchObject({
    reason: "there is no such program on PATH",
    broken: false,
  });
  expect(await examine(candidate(room.path("none")), place(), never)).toMatchObject({
    reason: "there is no such executable file",
    broken: false,
  });
});

test("what gives no answer is broken, unless it only was too slow", async () => {
  const ask = (timedOut: boolean) => () => Promise.resolve({ failure: "it has none", timedOut });
  expect(await examine(candidate(realPython), place(), ask(false))).toMatchObject({
    reason: "it has none",
    broken: true,
  });
  expect(await examine(candidate(realPython), place(), ask(true))).toMatchObject({ broken: false });
});
