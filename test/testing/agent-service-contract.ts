/** What every AgentService keeps, seen through the host's own client: run against the Python server and against the one in memory. */

import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { AgentClient } from "../../src/rpc/agent-client.ts";
import { type ConnectOptions, connectAgent } from "../../src/rpc/client.ts";
import type { RunRequestSpec } from "../../src/rpc/run-types.ts";
import { encodedRun, rejection, within } from "../rpc/agent-server.ts";
import { collect } from "../rpc/connected.ts";

/** One service under the contract; its agent obeys the prompts of test/fixtures/agents/controllable.py. */
export interface ServiceUnderTest {
  /** Starts a worker that serves the agent "served". */
  start(): Promise<Pick<ConnectOptions, "socketPath" | "token">>;
  /** Ends it; settles when it is gone. */
  end(): Promise<void>;
  /** Settles when the agent has seen the cancellation of the run with this prompt. */
  cancelled(prompt: string): Promise<unknown>;
}

/** Describes the contract for one service. */
export function describeServiceContract(name: string, { start, end, cancelled }: ServiceUnderTest): void {
  describe(`an AgentService (${name})`, () => {
    let where: Pick<ConnectOptions, "socketPath" | "token">;
    let client: AgentClient;

    beforeEach(async () => {
      where = await start();
      client = await connectAgent({ ...where, agentId: "served" });
    });

    afterEach(async () => {
      client.close();
      await end();
    });

    const spec = (prompt: string, runId: string, changes: Partial<RunRequestSpec> = {}) =>
      encodedRun({ agentId: "served", prompt, runId, ...changes });

    test("a unary run answers with output, usage, messages and its ids", async () => {
      const result = await client.run(spec("echo:hello there", "u1"));
      expect(result).toMatchObject({ output: "hello there", runId: "u1", usage: { requests: 1 } });
      expect(result.usage.totalTokens).toBe(result.usage.inputTokens + result.usage.outputTokens);
      expect(result.conversationId).not.toBe("");
      expect(result.newMessages).toMatchObject([{ kind: "request" }, { kind: "response" }]);
    });

    test("a conversation keeps its id", async () => {
      const { conversationId, newMessages } = await client.run(spec("echo:one", "c1"));
      const next = spec("echo:two", "c2", { conversationId, messageHistory: newMessages });
      expect(await client.run(next)).toMatchObject({ output: "two", conversationId });
    });

    test("a stream begins with started, numbers its events and ends with completed", async () => {
      const events = await collect(client.stream(spec("stream:5:1", "s1")));
      expect(events.map(({ seq }) => seq)).toEqual(events.map((_event, index) => index + 1));
      expect(events[0]).toMatchObject({ type: "started" });
      const texts = events.flatMap((event) => (event.type === "text.delta" ? [event.text] : []));
      expect(texts.join("")).toBe("word1 word2 word3 word4 word5 ");
      expect(events.at(-1)).toMatchObject({ type: "completed", result: { output: texts.join(""), runId: "s1" } });
    });

    test("an error of the agent rejects a unary run with kind and Python type", async () => {
      const error = await rejection(client.run(spec("raise:unary fails", "e1")));
      expect(error).toMatchObject({ code: "run_failed", kind: "user_code", runId: "e1", retriable: false });
      expect((error as Error).message).toContain("unary fails");
      const limit = await rejection(client.run(spec("usage-limit", "e2")));
      expect(limit).toMatchObject({ code: "run_failed", kind: "usage_limit_exceeded" });
    });

    test("an error of the agent is the one terminal event of a stream", async () => {
      const events = await collect(client.stream(spec("raise:stream fails", "e3")));
      expect(events.at(-1)).toMatchObject({ type: "failed", error: { kind: "user_code", runId: "e3" } });
      expect(events.filter(({ type }) => type === "failed")).toHaveLength(1);
    });

    test("a cancelled unary run rejects at once, and the agent sees it", async () => {
      const controller = new AbortController();
      const run = rejection(client.run(spec("sleep:31", "x1"), { signal: controller.signal }));
      await client.run(spec("echo:behind it", "x2"));
      controller.abort();
      expect(await run).toMatchObject({ code: "run_cancelled" });
      await within("the cancellation of a unary run", cancelled("sleep:31"));
    });

    test("leaving a stream early cancels it, and the agent sees it", async () => {
      for await (const event of client.stream(spec("stream:1000:20", "x3"))) if (event.type === "text.delta") break;
      await within("the cancellation of a stream", cancelled("stream:1000:20"));
      expect((await client.run(spec("echo:after", "x4"))).output).toBe("after");
    });

    test("a deadline ends the run on both sides", async () => {
      const error = await rejection(client.run(spec("sleep:32", "d1"), { timeoutMs: 200 }));
      expect(error).toMatchObject({ code: "deadline_exceeded", kind: "deadline" });
      await within("the cancellation of a late run", cancelled("sleep:32"));
    });

    test("the end of a cancelled run is told when its code has ended, and one that is given up before it comes is refused", async () => {
      const controller = new AbortController();
      const run = rejection(client.run(spec("sleep:33", "w1"), { signal: controller.signal }));
      await client.run(spec("echo:behind it", "w2"));
      controller.abort();
      await run;
      await within("the end of the cancelled run", client.awaitEnd("w1", 1));
      await within("the cancellation of a run", cancelled("sleep:33"));
      await within("the end of a run that has never come", client.awaitEnd("w3", 1));
      expect(await rejection(client.run(spec("echo:late", "w3")))).toMatchObject({ code: "run_cancelled" });
    });

    test("it is described, healthy, and refuses a wrong token", async () => {
      expect(await client.describe("served")).toMatchObject({ agentId: "served", protocolVersion: 1 });
      expect(await client.checkHealth()).toBe("serving");
      const stranger = await connectAgent({ ...where, token: "22".repeat(32), agentId: "served" });
      expect(await rejection(stranger.run(spec("echo:let me in", "t1")))).toMatchObject({ code: "unauthenticated" });
      const reading = collect(stranger.stream(spec("echo:let me in", "t2")));
      expect(await rejection(reading)).toMatchObject({ code: "unauthenticated" });
      stranger.close();
    });
  });
}
