import { expect, test } from "vitest";
import { CallSite } from "../../src/agent/call-site.ts";

class Asked {
  readonly site = new CallSite(Asked);
}

function theCallerOfThisTest(): Asked {
  return new Asked();
}

test("an error that is made later has the frames of who asked, and its own name and message", () => {
  const { site } = theCallerOfThisTest();
  const error = new TypeError("made later");
  site.giveTo(error);
  expect(error.stack).toMatch(/^TypeError: made later\n {4}at theCallerOfThisTest /);
});

test("where nothing is known the error keeps its own", () => {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  const { site } = theCallerOfThisTest();
  Error.stackTraceLimit = stackTraceLimit;
  const error = new Error("made here");
  const { stack } = error;
  site.giveTo(error);
  expect(error.stack).toBe(stack);
});
