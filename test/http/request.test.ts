import { describe, expect, test } from "vitest";
import { errorResponse } from "../../src/http/refusal.ts";
import { readRequest } from "../../src/http/request.ts";

const json = { "content-type": "application/json" };
const vercel = { id: "chat-1", trigger: "submit-message", messages: [] };
const agUi = { threadId: "thread-1", runId: "theirs", messages: [], id: "not a chat" };

function post(
  body: string | Uint8Array<ArrayBuffer> | ReadableStream,
  headers: Record<string, string> = json,
): Request {
  return new Request("http://host/chat", { method: "POST", body, headers, duplex: "half" });
}

async function refused(reading: Promise<unknown>): Promise<{ status: number; code: string; message: string }> {
  const response = await reading.then(
    () => Promise.reject(new Error("it was read")),
    (error: unknown) => errorResponse(error),
  );
  const { error } = (await response.json()) as { error: { code: string; message: string } };
  return { status: response.status, ...error };
}

test.each([
  ["the Vercel AI SDK's", vercel, "vercel-ai", "chat-1"],
  ["AG-UI's", agUi, "ag-ui", "thread-1"],
])("a body of %s is told by its fields, and is passed on as it came", async (_whose, body, protocol, chatId) => {
  const text = JSON.stringify(body, undefined, 1);
  const read = await readRequest(post(text), { maxBytes: 1_000 });
  expect(read).toMatchObject({ protocol, chatId });
  expect(new TextDecoder().decode(read.body)).toBe(text);
});

const responded = { type: "tool-erase", state: "approval-responded", approval: { approved: true } };
const asked = [{ role: "user" }, { role: "assistant", parts: [{ type: "text" }, responded] }];

test.each<[boolean, object]>([
  [false, { ...vercel, messages: [{ role: "user", parts: [{ type: "text", text: "approval-responded" }] }] }],
  [true, { ...vercel, messages: asked }],
  [true, { ...vercel, messages: [...asked, { role: "user", parts: [] }] }],
  [true, { ...vercel, messages: [{ role: "user" }, { role: "assistant", parts: [{ state: "output-available" }] }] }],
  [false, { ...vercel, trigger: "regenerate-message", messages: [{ role: "user" }, { role: "assistant", parts: [] }] }],
  [false, { ...vercel, messages: [null, 7, { role: "user", parts: "none" }] }],
  [false, { ...vercel, messages: "none" }],
  [false, { ...agUi, resume: [], messages: [{ role: "user" }] }],
  [true, { ...agUi, resume: [{ interruptId: "i" }], messages: [{ role: "user" }] }],
  [true, { ...agUi, messages: [{ role: "assistant" }, { role: "tool" }] }],
  [false, { ...agUi, messages: [{ role: "tool" }, { role: "user" }] }],
])("whether a request answers what waits for the client is %j of %j", async (answers, body) => {
  expect(await readRequest(post(JSON.stringify(body)), { maxBytes: 1_000 })).toMatchObject({ answers });
});

test("what the client's user says after an approval is a request without it", async () => {
  const said = { role: "user", parts: [{ type: "text", text: "no, wait" }] };
  const read = async (messages: unknown) =>
    (await readRequest(post(JSON.stringify({ ...vercel, messages })), { maxBytes: 1_000 })).withoutAnswers;
  const without = await read([...asked, said]);
  const messages = [{ role: "user", parts: [] }, { role: "assistant", parts: [{ type: "text" }] }, said];
  expect(JSON.parse(new TextDecoder().decode(without?.()))).toEqual({ ...vercel, messages });
  expect([await read(asked), await read([said])]).toEqual([undefined, undefined]);
});

test("a protocol that the service names goes before what the body looks like", async () => {
  const read = await readRequest(post(JSON.stringify(agUi)), { maxBytes: 1_000, protocol: "vercel-ai" });
  expect(read).toMatchObject({ protocol: "vercel-ai", chatId: "not a chat" });
});

test("a body that breaks off is refused", async () => {
  const broken = new ReadableStream({ start: (controller) => controller.error(new Error("the connection is gone")) });
  expect(await refused(readRequest(post(broken), { maxBytes: 1_000 }))).toMatchObject({
    status: 422,
    code: "invalid_body",
  });
});

test("a client that leaves while its body is read is waited for no longer", async () => {
  for (const leave of ["before", "meanwhile"]) {
    const client = new AbortController();
    let cancelled = false;
    const body = new ReadableStream({
      pull: () => (leave === "meanwhile" ? client.abort() : undefined),
      cancel() {
        cancelled = true;
      },
    });
    if (leave === "before") client.abort();
    const init = { method: "POST", body, headers: json, duplex: "half", signal: client.signal } as RequestInit;
    const reading = readRequest(new Request("http://host/chat", init), { maxBytes: 1_000 });
    expect(await refused(reading)).toMatchObject({ status: 499, code: "run_cancelled" });
    expect(cancelled).toBe(true);
  }
});

test.each(["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/jsonx"])(
  "%s is refused: a page of another site could send it without being asked",
  async (type) => {
    const { status, message } = await refused(
      readRequest(post(JSON.stringify(vercel), { "content-type": type }), { maxBytes: 1_000 }),
    );
    expect([status, message]).toEqual([415, expect.stringContaining("application/json")]);
  },
);

test("a media type is read whatever its case and its parameters", async () => {
  const request = post(JSON.stringify(vercel), { "content-type": "Application/JSON; charset=utf-8" });
  await expect(readRequest(request, { maxBytes: 1_000 })).resolves.toMatchObject({ chatId: "chat-1" });
});

describe("what the client takes", () => {
  test.each(["*/*", "text/event-stream", "application/json, text/*;q=0.5", "", "TEXT/event-stream; charset=utf-8"])(
    "%j is an event stream",
    async (accept) => {
      const request = post(JSON.stringify(vercel), { ...json, accept });
      await expect(readRequest(request, { maxBytes: 1_000 })).resolves.toMatchObject({ chatId: "chat-1" });
    },
  );

  test.each(["application/json", "application/vnd.ag-ui.event+proto", "text/event-stream;q=0", "text/html, image/*"])(
    "%j is none",
    async (accept) => {
      const reading = readRequest(post(JSON.stringify(vercel), { ...json, accept }), { maxBytes: 1_000 });
      expect((await refused(reading)).status).toBe(406);
    },
  );
});

test.each<[string, string | Uint8Array<ArrayBuffer>]>([
  ["no JSON", "{"],
  ["no UTF-8", new Uint8Array([0x22, 0xff, 0x22])],
  ["no JSON for its mark of byte order", `\ufeff${JSON.stringify(vercel)}`],
  ["no object", "[1]"],
  ["null", "null"],
  ["of no protocol", '{"prompt":"Hello"}'],
  ["a chat without an id", JSON.stringify({ ...vercel, id: "" })],
  ["a chat whose id is no text", JSON.stringify({ ...vercel, id: 7 })],
  ["a chat whose id is no Unicode", '{"id":"\\ud800","messages":[]}'],
  ["a thread whose id has no end", JSON.stringify({ threadId: "x".repeat(257) })],
])("a body that is %s is refused with 422", async (_what, body) => {
  expect(await refused(readRequest(post(body), { maxBytes: 1_000 }))).toMatchObject({
    status: 422,
    code: "invalid_body",
  });
});

describe("a body that is too large", () => {
  test("is refused by its length alone", async () => {
    const request = post(JSON.stringify(vercel), { ...json, "content-length": "1001" });
    expect(await refused(readRequest(request, { maxBytes: 1_000 }))).toMatchObject({
      status: 413,
      code: "message_too_large",
    });
    expect(request.bodyUsed).toBe(false);
  });

  test("is read no further than the limit where it says no length, and let go of", async () => {
    let made = 0;
    let cancelled = false;
    const endless = new ReadableStream(
      {
        pull(controller) {
          made += 100;
          controller.enqueue(new Uint8Array(100));
        },
        cancel() {
          cancelled = true;
        },
      },
      { highWaterMark: 0 },
    );
    expect((await refused(readRequest(post(endless), { maxBytes: 1_000 }))).status).toBe(413);
    expect([made <= 1_200, cancelled]).toEqual([true, true]);
  });
});
