import { expect, test } from "vitest";
import { type ControlRequest, parseRequest } from "../../src/control/protocol.ts";

test.each<ControlRequest>([
  { type: "hello" },
  { type: "status" },
  { type: "crashes" },
  { type: "crashes", agentId: "a" },
  { type: "crash", agentId: "a", incarnation: 3 },
  { type: "restart", agentId: "a", graceful: true },
  { type: "stop", agentId: "a" },
  { type: "kill", agentId: "a" },
])("%j is read as it is, whatever else it has", (request) => {
  expect(parseRequest(JSON.stringify(request))).toEqual(request);
  expect(parseRequest(JSON.stringify({ ...request, later: "news" }))).toEqual(request);
});

test("a restart is without grace unless it says so", () => {
  expect(parseRequest('{"type":"restart","agentId":"a","graceful":1}')).toEqual({
    type: "restart",
    agentId: "a",
    graceful: false,
  });
});
