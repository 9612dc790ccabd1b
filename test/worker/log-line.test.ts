import { expect, test } from "vitest";
import { readLogLine } from "../../src/worker/log-line.ts";

test("text is info on stdout and warn on stderr", () => {
  expect(readLogLine("stdout", "hello")).toEqual({ stream: "stdout", level: "info", message: "hello", fields: {} });
  expect(readLogLine("stderr", "hello")).toEqual({ stream: "stderr", level: "warn", message: "hello", fields: {} });
});

test.each([
  ['{"level":"WARNING","msg":"m","logger":"l"}', "warn"],
  ['{"level":"critical","message":"m","logger":"l"}', "fatal"],
  ['{"levelname":"ERROR","message":"m","logger":"l"}', "error"],
  ['{"severity":"Notice","event":"m","logger":"l"}', "info"],
  ['{"level":10,"msg":"m","logger":"l"}', "trace"],
  ['{"level":20,"msg":"m","logger":"l"}', "debug"],
  ['{"level":35,"msg":"m","logger":"l"}', "info"],
  ['{"level":40,"msg":"m","logger":"l"}', "warn"],
  ['{"level":50,"msg":"m","logger":"l"}', "error"],
  ['{"level":60,"msg":"m","logger":"l"}', "fatal"],
])("%s is logged at %s", (line, level) => {
  expect(readLogLine("stderr", line)).toEqual({ stream: "stderr", level, message: "m", fields: { logger: "l" } });
});

test("a level that is no level stays a field, and the stream decides", () => {
  expect(readLogLine("stdout", '{"level":"constructor","msg":"m"}')).toMatchObject({
    level: "info",
    fields: { level: "constructor" },
  });
});

test.each(['{"rows":3}', "{not json", '{"msg":3}', "[1]", '"text"', "null", "{"])("%s stays text", (line) => {
  expect(readLogLine("stdout", line)).toEqual({ stream: "stdout", level: "info", message: line, fields: {} });
});

test("a line cannot reach the prototype of its record", () => {
  const { fields } = readLogLine("stderr", '{"msg":"m","__proto__":{"polluted":true}}');
  expect(fields).not.toHaveProperty("polluted");
  expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
});
