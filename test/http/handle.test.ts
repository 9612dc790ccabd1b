import { describe, expect, test } from "vitest";
import { CallerError, RunError, type SynapseError } from "../../src/errors.ts";
import type { AnswerEvent } from "../../src/http/answer-text.ts";
import { type FrontendHost, type FrontendRun, handleRequest } from "../../src/http/handle.ts";
import { createVirtualClock } from "../../src/testing/index.ts";

const started: AnswerEvent = { type: "other", seq: 1 };
const text = (seq: number): AnswerEvent => ({ type: "text", seq, text: `data: ${seq}\n\n`, end: undefined });
const completed = (seq: number): AnswerEvent => ({ type: "completed", seq });
const whole = [started, text(2), text(3), completed(4)];

/** A run whose events are all there. `firstSeq`: those before are kept no more. */
class ToldRun implements FrontendRun {
  readonly runId = "r1";
  readonly protocol = "ag-ui";
  readonly reads: number[] = [];
  cancelled = 0;
  readonly #events: readonly AnswerEvent[];
  readonly #firstSeq: number;

  constructor(events: readonly AnswerEvent[] = whole, firstSeq = 1) {
    this.#events = events;
    this.#firstSeq = firstSeq;
  }

  read(after: number): AsyncIterator<AnswerEvent> {
    if (after + 1 < this.#firstSeq) throw new CallerError("events_expired", "secret");
    this.reads.push(after);
    const left = this.#events.slice(after);
    return {
      next: async () => {
        const value = left.shift();
        return value === undefined ? { done: true, value } : { done: false, value };
      },
      return: async () => ({ done: true, value: undefined }),
    };
  }

  cancel(): boolean {
    this.cancelled += 1;
    return true;
  }
}

function hostOf(run: FrontendRun | Error | undefined) {
  const errors: SynapseError[] = [];
  const host: FrontendHost = {
    maxMessageBytes: 10_000,
    clock: createVirtualClock(),
    async begin() {
      if (run instanceof Error) throw run;
      return run as FrontendRun;
    },
    run: (id) => (id === "r1" && !(run instanceof Error) ? run : undefined),
    running: (chat) => (chat === "chat 1" && !(run instanceof Error) ? run : undefined),
    onError: (error) => errors.push(error),
  };
  return { host, errors };
}

const post = (body: unknown = { threadId: "t" }, headers = {}): Request =>
  new Request("http://host/chat", {
    method: "POST",
    body: JSON.stringify(body),
    headers: { "content-type": "application/json", ...headers },
  });
const get = (path: string, headers: Record<string, string> = {}): Request =>
  new Request(`http://host${path}`, { headers });
const textOf = async (request: Request, run: FrontendRun | Error | undefined) => {
  const response = await handleRequest(request, hostOf(run).host);
  return [response.status, await response.text()] as const;
};
const rest = "id: r1:3\ndata: 3\n\n";

test("POST begins a run and answers with what it tells", async () => {
  expect(await textOf(post(), new ToldRun())).toEqual([200, `id: r1:2\ndata: 2\n\n${rest}`]);
});

test.each<[string, FrontendRun | Error, number]>([
  ["is refused by its agent", new CallerError("queue_full", "secret"), 503],
  [
    "fails before it has told anything",
    new ToldRun([{ type: "failed", seq: 1, error: new RunError("run_failed", "secret") }]),
    500,
  ],
  ["is cancelled before it begins", new ToldRun([{ type: "cancelled", seq: 1 }]), 499],
])("a run that %s is answered with a status", async (_how, run, status) => {
  const { host, errors } = hostOf(run);
  const response = await handleRequest(post(), host);
  expect(response.status).toBe(status);
  expect(await response.text()).not.toContain("secret");
  expect(errors).toHaveLength(1);
});

test("a throw that is no error of Synapse is the host's to hear", async () => {
  await expect(handleRequest(post(), hostOf(new TypeError("a mistake")).host)).rejects.toThrow("a mistake");
});

describe("a run is read again", () => {
  test.each([
    ["by GET with the last event that the client has", get("/chat", { "last-event-id": "r1:2" })],
    ["by POST with it", post({}, { "last-event-id": "r1:2" })],
  ])("%s: what follows comes once", async (_how, request) => {
    expect(await textOf(request, new ToldRun())).toEqual([200, rest]);
  });

  test("from its beginning, by its id", async () => {
    expect(await textOf(get("/chat?run=r1"), new ToldRun())).toEqual([200, `id: r1:2\ndata: 2\n\n${rest}`]);
  });

  test.each(["/api/chat/chat%201/stream", "/chat?chat=chat+1"])("by the chat that %s names", async (path) => {
    expect(await textOf(get(path), new ToldRun())).toEqual([200, `id: r1:2\ndata: 2\n\n${rest}`]);
  });

  test("when the client has all of it, with nothing", async () => {
    expect(await textOf(get("/chat", { "last-event-id": "r1:4" }), new ToldRun())).toEqual([200, ""]);
  });

  test("where the last event that it has is the last that is gone", async () => {
    expect(await textOf(get("/chat", { "last-event-id": "r1:2" }), new ToldRun(whole, 3))).toEqual([200, rest]);
  });

  test("not where events are missing", async () => {
    const [status, body] = await textOf(get("/chat", { "last-event-id": "r1:1" }), new ToldRun(whole, 3));
    expect([status, JSON.parse(body)]).toMatchObject([410, { error: { code: "events_expired" } }]);
  });

  test.each([
    ["an unknown run", get("/chat?run=r2"), 404],
    ["an id that is none of ours", get("/chat", { "last-event-id": "17" }), 404],
    ["no run and no chat", get("/chat"), 404],
    ["a chat whose name cannot be read", get("/chat/%E0%A4%A/stream"), 404],
    ["a chat without a run", get("/api/chat/other/stream"), 204],
    ["a client that takes no event stream", get("/chat?run=r1", { accept: "text/html" }), 406],
  ])("not for %s", async (_what, request, status) => {
    expect((await handleRequest(request, hostOf(new ToldRun()).host)).status).toBe(status);
  });
});

test.each([
  ["/chat?run=r1", 1],
  ["/chat?chat=chat+1", 1],
  ["/chat?run=r2", 0],
])("DELETE %s ends %i runs, and is content where none runs", async (path, cancelled) => {
  const run = new ToldRun();
  const response = await handleRequest(new Request(`http://host${path}`, { method: "DELETE" }), hostOf(run).host);
  expect([response.status, run.cancelled]).toEqual([204, cancelled]);
});

test("any other method is refused, with those that there are", async () => {
  const response = await handleRequest(new Request("http://host/chat", { method: "PUT" }), hostOf(undefined).host);
  expect([response.status, response.headers.get("allow")]).toEqual([405, "GET, POST, DELETE"]);
});
