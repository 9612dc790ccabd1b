import { describe, expect, test } from "vitest";
import { type ConversationStore, createConversationStore } from "../../src/agent/conversation-store.ts";
import type { FetchOptions } from "../../src/agent/fetch-options.ts";
import type { Agent } from "../../src/agent/handle.ts";
import type { SynapseError } from "../../src/errors.ts";
import { type FakeRun, type FakeWorkerScript, fakeRunError } from "../../src/testing/index.ts";
import { within } from "../rpc/agent-server.ts";
import { hang, startPoet, until } from "./fleet.ts";

interface Event {
  readonly id: string | undefined;
  readonly data: Readonly<Record<string, unknown>> | "[DONE]";
}

function request(
  text: string,
  changes: { chat?: string; signal?: AbortSignal; headers?: Record<string, string> } = {},
) {
  const { chat = "chat", signal = new AbortController().signal, headers = {} } = changes;
  const messages = [{ id: "m1", role: "user", parts: [{ type: "text", text }] }];
  return new Request("http://host/api/chat", {
    method: "POST",
    body: JSON.stringify({ id: chat, trigger: "submit-message", messages }),
    headers: { "content-type": "application/json", ...headers },
    signal,
  });
}

const get = (path: string, headers: Record<string, string> = {}) => new Request(`http://host${path}`, { headers });

async function eventsOf(response: Response): Promise<Event[]> {
  expect(response.status).toBe(200);
  return parse(await response.text());
}

function parse(text: string): Event[] {
  return text
    .split("\n\n")
    .filter((block) => block.includes("data: "))
    .map((block) => {
      const [, id] = /^id: (.*)$/m.exec(block) ?? [];
      const [, data = ""] = /^data: (.*)$/m.exec(block) ?? [];
      return { id, data: data === "[DONE]" ? data : (JSON.parse(data) as Record<string, unknown>) };
    });
}

const typesOf = (events: readonly Event[]) => events.map(({ data }) => (data === "[DONE]" ? data : data.type));
const saidIn = (events: readonly Event[]) =>
  events.map(({ data }) => (data === "[DONE]" ? "" : (data.delta ?? ""))).join("");
const runIdOf = (response: Response) => response.headers.get("synapse-run-id") as string;

/** Text in pieces, each when the test says so. */
function pieces() {
  const given: string[] = [];
  let wake: (() => void) | undefined;
  let ended = false;
  const script: FakeWorkerScript = {
    answer: () => ({
      chunks: (async function* () {
        for (;;) {
          const piece = given.shift();
          if (piece !== undefined) yield piece;
          else if (ended) return;
          else {
            await new Promise<void>((resolve) => {
              wake = resolve;
            });
          }
        }
      })(),
    }),
  };
  const tell = (...more: string[]) => {
    given.push(...more);
    wake?.();
  };
  const end = () => {
    ended = true;
    wake?.();
  };
  return { script, tell, end };
}

async function readUntil(reader: ReadableStreamDefaultReader<Uint8Array>, what: string): Promise<string> {
  let text = "";
  while (!text.includes(what)) {
    const { done, value } = await within(`"${what}" in an answer`, reader.read());
    if (done) throw new Error(`the answer ended before "${what}": ${text}`);
    text += new TextDecoder().decode(value);
  }
  return text;
}

const readerOf = (response: Response) => (response.body as ReadableStream<Uint8Array>).getReader();

test("a request is answered by a run of the agent, in its protocol, each event with its name", async () => {
  const { agent, launcher, report } = await startPoet();
  const response = await agent().fetch(request("Hello"), { deps: { a: 1 }, metadata: { who: "me" } });
  const events = await eventsOf(response);
  expect(typesOf(events)).toEqual(["start", "text-start", "text-delta", "text-end", "finish", "[DONE]"]);
  expect(events.map(({ id }) => id)).toEqual([2, 3, 4, 5, 6, 7].map((seq) => `${runIdOf(response)}:${seq}`));
  expect(saidIn(events)).toBe("Hello");
  const [run] = launcher.workers[0]?.runs ?? [];
  expect(run).toMatchObject({ deps: { a: 1 }, metadata: { who: "me" }, conversationId: "", messageHistory: [] });
  expect(await report("run.settled")).toMatchObject({ runId: runIdOf(response), outcome: "completed" });
});

test("AG-UI's requests are told from the others by their body", async () => {
  const { agent } = await startPoet();
  const body = { threadId: "t", runId: "theirs", messages: [{ id: "m", role: "user", content: "Hello" }] };
  const headers = { "content-type": "application/json" };
  const response = await agent().fetch(
    new Request("http://host/", { method: "POST", body: JSON.stringify(body), headers }),
  );
  expect(typesOf(await eventsOf(response))).toEqual([
    "RUN_STARTED",
    "TEXT_MESSAGE_START",
    "TEXT_MESSAGE_CONTENT",
    "TEXT_MESSAGE_END",
    "RUN_FINISHED",
  ]);
});

test.each<[string, object]>([
  ["protocol", { protocol: "graphql" }],
  ["conversation", { conversation: "both" }],
  ["sdkVersion", { sdkVersion: 4 }],
  ["scope", { scope: 7 }],
  ["scope", { scope: "" }],
  ["detached", { detached: "yes" }],
  ["onError", { onError: true }],
  ["store", { store: {} }],
  ["whenBusy", { whenBusy: "queue" }],
  ["signal", { signal: new AbortController().signal }],
  ["timeoutMs", { timeoutMs: 0 }],
  ["store", { conversation: "server", store: {} }],
])("a wrong %s rejects the call, as it is the service's mistake", async (field, options) => {
  const { agent } = await startPoet();
  await expect(agent().fetch(request("Hello"), options as FetchOptions)).rejects.toMatchObject({
    code: "invalid_argument",
    field: `options.${field}`,
  });
});

test("a request whose body somebody has read rejects the call, as it is the service's mistake", async () => {
  const { agent } = await startPoet();
  const read = request("Hello");
  await read.text();
  const locked = request("Hello");
  locked.body?.getReader();
  for (const each of [read, locked]) {
    await expect(agent().fetch(each)).rejects.toMatchObject({ code: "invalid_argument", field: "request" });
  }
});

describe("no run, but a status, for", () => {
  test("a request that is larger than the agent takes", async () => {
    const { agent, launcher } = await startPoet();
    expect((await agent().fetch(request("x".repeat(1024 * 1024)))).status).toBe(413);
    expect(launcher.workers[0]?.runs).toEqual([]);
  });

  test("an agent with a full queue", async () => {
    const { agent } = await startPoet({ maxConcurrency: 1, maxQueue: 0 }, { script: hang });
    const busy = await agent().fetch(request("hang"));
    const response = await agent().fetch(request("Hello"));
    expect([response.status, response.headers.get("retry-after")]).toEqual([503, "1"]);
    await busy.body?.cancel();
  });

  test("an agent that was stopped", async () => {
    const { agent } = await startPoet();
    await agent().stop();
    expect((await agent().fetch(request("Hello"))).status).toBe(503);
  });
});

test("what a run fails with is the host's to hear, and a sentence to the client", async () => {
  const script: FakeWorkerScript = {
    answer: () => {
      throw fakeRunError("user_code", "a secret of the tool");
    },
  };
  const { agent, report } = await startPoet({}, { script });
  const response = await agent().fetch(request("Hello"));
  const text = await response.text();
  expect([text.includes("secret"), text.includes("The run has failed.")]).toEqual([false, true]);
  expect(await report("run.settled")).toMatchObject({ outcome: "failed", kind: "user_code" });
});

describe("a client that leaves", () => {
  test.each(["aborts its request", "stops reading"])("and %s cancels the run, in Python too", async (how) => {
    const { agent, launcher, report } = await startPoet({}, { script: hang });
    const client = new AbortController();
    const response = await agent().fetch(request("hang", { signal: client.signal }));
    const reader = readerOf(response);
    const reading = reader.read().then(
      () => reader.read(),
      () => undefined,
    );
    await until("the run", () => launcher.workers[0]?.runs.length === 1);
    if (how === "stops reading") await reader.cancel();
    else client.abort();
    expect(await report("run.settled")).toMatchObject({ runId: runIdOf(response), outcome: "cancelled" });
    await until("its cancellation", () => launcher.workers[0]?.runs[0]?.signal.aborted === true);
    await reading;
  });

  test("before its run has begun cancels it too", async () => {
    const { agent, launcher } = await startPoet({ maxConcurrency: 1 }, { script: hang });
    const busy = await agent().fetch(request("hang"));
    const client = new AbortController();
    const waiting = agent().fetch(request("Hello", { signal: client.signal }));
    await until("the run waits", () => agent().queueLength === 1);
    client.abort();
    expect((await waiting).status).toBe(499);
    expect([agent().queueLength, launcher.workers[0]?.runs.length]).toEqual([0, 1]);
    await busy.body?.cancel();
  });

  test("leaves a detached run, which it may come back to", async () => {
    const { script, tell, end } = pieces();
    const { agent } = await startPoet({}, { script });
    const client = new AbortController();
    const response = await agent().fetch(request("Hello", { signal: client.signal }), { detached: true });
    const reader = readerOf(response);
    tell("one ");
    const had = await readUntil(reader, "one ");
    client.abort();
    tell("two ");
    end();
    const last = parse(had).at(-1)?.id as string;
    const back = await eventsOf(await agent().fetch(get("/", { "last-event-id": last })));
    expect(saidIn(back)).toBe("two ");
    const all = await (await agent().fetch(get(`/?run=${runIdOf(response)}`))).text();
    expect(all.startsWith(had)).toBe(true);
    expect(parse(all).slice(parse(had).length)).toEqual(back);
  });
});

test("a client that comes back while another reads gets the same bytes, and the run lasts as long as one of them reads", async () => {
  const { script, tell, end } = pieces();
  const { agent, report } = await startPoet({}, { script });
  const first = await agent().fetch(request("Hello"));
  const reader = readerOf(first);
  tell("one ");
  const had = await readUntil(reader, "one ");
  const second = await agent().fetch(get(`/?run=${runIdOf(first)}`));
  const other = readerOf(second);
  expect(await readUntil(other, "one ")).toBe(had);
  await reader.cancel();
  tell("two ");
  expect(await readUntil(other, "two ")).toContain("two ");
  end();
  expect(await readUntil(other, "[DONE]")).toContain("finish");
  expect(await report("run.settled")).toMatchObject({ outcome: "completed" });
});

test("a client that does not read holds its run up, unless it is detached", async () => {
  const script: FakeWorkerScript = {
    answer: () => ({
      chunks: (function* () {
        for (let piece = 0; piece < 250; piece += 1) {
          yield `${piece} `.padEnd(1_000);
        }
      })(),
    }),
  };
  const { agent, environment } = await startPoet({ maxConcurrency: 2 }, { script });
  const slow = await agent().fetch(request("slow"));
  const free = await agent().fetch(request("free"), { detached: true });
  await until("the end of the detached one", () => environment.ledger.get(runIdOf(free))?.state === "completed");
  expect(environment.ledger.get(runIdOf(slow))?.lastSeq).toBe(1);
  const reader = readerOf(slow);
  await readUntil(reader, "0 ");
  expect(environment.ledger.get(runIdOf(slow))?.lastSeq).toBeLessThan(100);
  expect(await readUntil(reader, "[DONE]")).toContain("249 ");
  await free.body?.cancel();
});

describe("a worker that dies", () => {
  test("in the middle of an answer ends it with an error", async () => {
    const { script, tell } = pieces();
    const { agent, launcher } = await startPoet({}, { script });
    const response = await agent().fetch(request("Hello"));
    const reader = readerOf(response);
    tell("one ");
    await readUntil(reader, "one ");
    launcher.workers[0]?.kill();
    const rest = parse(await readUntil(reader, "[DONE]"));
    expect(rest).toMatchObject([
      { data: { type: "error", errorText: "The run was interrupted. Try again." } },
      { data: "[DONE]" },
    ]);
    expect((await reader.read()).done).toBe(true);
  });
});

test("an output that the definition's schema refuses ends the answer as failed, whatever the worker said", async () => {
  const refuses = {
    "~standard": { version: 1, vendor: "test", validate: () => ({ issues: [{ message: "a secret rule" }] }) },
  } as const;
  const { agent } = await startPoet({ output: refuses });
  const events = await eventsOf(await agent().fetch(request("Hello")));
  expect(typesOf(events)).toEqual(["start", "text-start", "text-delta", "text-end", "error", "[DONE]"]);
});

describe("a conversation that the agent keeps", () => {
  const server = { conversation: "server" } as const;
  const historyOf = (run: FakeRun | undefined) => run?.messageHistory.length;

  test("goes before each turn, under the id of the chat", async () => {
    const { agent, launcher } = await startPoet();
    await (await agent().fetch(request("one"), server)).text();
    await (await agent().fetch(request("two"), server)).text();
    await (await agent().fetch(request("other", { chat: "chat-2" }), server)).text();
    const runs = launcher.workers[0]?.runs ?? [];
    expect(runs.map((run) => [run.conversationId, historyOf(run)])).toEqual([
      ["chat", 0],
      ["chat", 2],
      ["chat-2", 0],
    ]);
    expect(await agent().conversation("chat").messages()).toHaveLength(4);
  });

  test("is another one in each scope, and one of no other scope", async () => {
    const { agent, launcher } = await startPoet();
    const ask = async (chat: string, scope?: string) =>
      (await agent().fetch(request("one", { chat }), { ...server, ...(scope === undefined ? {} : { scope }) })).text();
    await ask("c", "a/b");
    await ask("b/c", "a");
    await ask("c", "a/b");
    await ask("a/b/c");
    const runs = launcher.workers[0]?.runs ?? [];
    expect(runs.map(historyOf)).toEqual([0, 0, 2, 0]);
    expect(new Set(runs.map((run) => run.conversationId)).size).toBe(3);
  });

  test("has one turn at a time, which the next request waits for, is refused for, or interrupts", async () => {
    const { agent, report } = await startPoet({ maxConcurrency: 4 }, { script: hang });
    const first = await agent().fetch(request("hang"), server);
    const reader = readerOf(first);
    const rest = readUntil(reader, "[DONE]");
    expect((await agent().fetch(request("busy"), { ...server, whenBusy: "reject" })).status).toBe(409);
    const waiting = agent().fetch(request("waits"), server);
    const events = eventsOf(await agent().fetch(request("interrupts"), { ...server, whenBusy: "interrupt" }));
    expect(await rest).toContain('"abort"');
    expect(await report("run.settled")).toMatchObject({ outcome: "cancelled", runId: runIdOf(first) });
    expect(saidIn(await events)).toBe("interrupts");
    expect(saidIn(await eventsOf(await waiting))).toBe("waits");
  });

  test.each<[string, ConversationStore["write"], string, string]>([
    [
      "was changed by somebody else",
      async () => false,
      "The conversation was changed meanwhile.",
      "conversation_conflict",
    ],
    ["cannot be written", () => Promise.reject(new Error("secret")), "The run has failed.", "run_failed"],
  ])("that %s meanwhile ends the answer as failed, and is the host's to hear", async (_what, write, told, code) => {
    const { agent } = await startPoet();
    const errors: SynapseError[] = [];
    const store = { ...createConversationStore(), write };
    const answer = await agent().fetch(request("Hello"), { ...server, store, onError: (error) => errors.push(error) });
    const events = await eventsOf(answer);
    expect(typesOf(events)).toEqual(["start", "text-start", "text-delta", "text-end", "error", "[DONE]"]);
    expect(JSON.stringify(events)).toContain(told);
    expect(errors).toMatchObject([{ code }]);
  });

  test("stays as it was when a run fails or is left", async () => {
    const { agent, report } = await startPoet({}, { script: hang });
    await (await agent().fetch(request("one"), server)).text();
    await (await agent().fetch(request("hang"), server)).body?.cancel();
    await report("run.settled", ({ outcome }) => outcome === "cancelled");
    expect(await agent().conversation("chat").messages()).toHaveLength(2);
    await (await agent().fetch(request("two"), server)).text();
    expect(await agent().conversation("chat").messages()).toHaveLength(4);
  });
});

describe("a chat that is opened again", () => {
  const open = (agent: Agent, options: FetchOptions = {}) => agent.fetch(get("/api/chat/chat/stream"), options);

  test("gets the answer that is being written; nothing before it and nothing after its end", async () => {
    const { script, tell, end } = pieces();
    const { agent } = await startPoet({}, { script });
    expect((await open(agent())).status).toBe(204);
    const first = await agent().fetch(request("Hello"), { detached: true });
    tell("one ");
    const back = await open(agent(), { detached: true });
    end();
    expect(saidIn(await eventsOf(back))).toBe("one ");
    await first.text();
    expect((await open(agent())).status).toBe(204);
  });

  test("is found in its own scope alone, as its runs are", async () => {
    const { script, end } = pieces();
    const { agent } = await startPoet({}, { script });
    const first = await agent().fetch(request("Hello"), { detached: true, scope: "ann" });
    const run = get(`/?run=${runIdOf(first)}`);
    expect((await open(agent(), { scope: "bob" })).status).toBe(204);
    expect((await agent().fetch(run, { scope: "bob" })).status).toBe(404);
    expect((await agent().fetch(run)).status).toBe(404);
    end();
    expect((await agent().fetch(run, { scope: "ann" })).status).toBe(200);
    await first.text();
  });

  test("ends its run by DELETE, in its own scope alone", async () => {
    const { agent, report, environment } = await startPoet({}, { script: hang });
    const first = await agent().fetch(request("hang"), { detached: true, scope: "ann" });
    const stop = new Request("http://host/api/chat?chat=chat", { method: "DELETE" });
    await agent().fetch(stop, { scope: "bob" });
    expect(environment.ledger.get(runIdOf(first))?.state).toBe("running");
    expect((await agent().fetch(stop, { scope: "ann" })).status).toBe(204);
    expect(await report("run.settled")).toMatchObject({ outcome: "cancelled" });
    expect(typesOf(await eventsOf(first)).slice(-2)).toEqual(["abort", "[DONE]"]);
  });
});

test("a run that other code has started is none that a client may read", async () => {
  const { agent } = await startPoet();
  const run = agent().start("Hello");
  await run.result;
  expect((await agent().fetch(get(`/?run=${run.runId}`))).status).toBe(404);
});
