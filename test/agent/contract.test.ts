import { describe, expect, test } from "vitest";
import { type AgentContract, isToolCall } from "../../src/agent/contract.ts";
import { defineAgent } from "../../src/agent/define.ts";
import type { RunEvent } from "../../src/agent/run-result.ts";

const contract: AgentContract = { entry: "poet.py:agent", hash: "00", tools: { rhyme: {} } };

describe("a definition with a contract", () => {
  test("is where the contract says, with its deps, unless it says otherwise", () => {
    const withFactory = { ...contract, depsFactory: "poet.py:make_deps" };
    expect(defineAgent({ id: "poet", contract: withFactory }).agent).toMatchObject({
      entry: "poet.py:agent",
      deps: "poet.py:make_deps",
    });
    const moved = defineAgent({ id: "poet", entry: "other.py:agent", deps: "other.py:deps", contract: withFactory });
    expect(moved.agent).toMatchObject({ entry: "other.py:agent", deps: "other.py:deps" });
  });

  test.each<[field: string, value: unknown]>([
    ["spec.contract", "poet.ts"],
    ["spec.contract.hash", { ...contract, hash: 1 }],
    ["spec.contract.entry", { ...contract, entry: undefined }],
    ["spec.contract.entry", { ...contract, entry: "poet.py" }],
    ["spec.contract.depsFactory", { ...contract, depsFactory: "make_deps" }],
    ["spec.contract.tools", { ...contract, tools: undefined }],
    ["spec.contract.output", { ...contract, output: "text" }],
    ["spec.contract.outptu", { ...contract, outptu: {} }],
  ])("names %s where it is wrong", (field, value) => {
    expect(() => defineAgent({ id: "poet", contract: value as AgentContract })).toThrow(
      expect.objectContaining({ code: "invalid_argument", message: expect.stringContaining(field) }),
    );
  });
});

describe("isToolCall", () => {
  const call: RunEvent = {
    type: "tool.call",
    seq: 1,
    step: 1,
    toolCallId: "1",
    toolName: "rhyme",
    args: {},
    argsValid: true,
  };

  test("finds calls of the contract's tools whose arguments are valid and there", () => {
    expect(isToolCall(call, contract)).toBe(true);
  });

  test.each<[what: string, event: RunEvent]>([
    ["of another tool", { ...call, toolName: "toString" }],
    ["with arguments that pydantic refuses", { ...call, argsValid: false }],
    ["whose arguments are left out", { ...call, omittedBytes: 10 }],
    ["that is a result", { ...call, type: "tool.result", content: "", outcome: "success" }],
  ])("leaves an event aside %s", (_what, event) => {
    expect(isToolCall(event, contract)).toBe(false);
  });
});
