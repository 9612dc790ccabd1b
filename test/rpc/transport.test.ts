import type { ServerHttp2Stream } from "node:http2";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CallerError, RunError } from "../../src/errors.ts";
import type { Session } from "../../src/rpc/session.ts";
import { authorityOf, createTransport } from "../../src/rpc/transport.ts";
import { encodedRun, rejection, within } from "./agent-server.ts";
import { startConnected } from "./connected.ts";

const session = { authority: "http://poet" } as Session;

test.each([
  ["poet", "http://poet"],
  ["Support Desk", "http://support-desk"],
  ["a_b-c", "http://a_b-c"],
  ["42", "http://agent-42"],
  ["0x10", "http://agent-0x10"],
  ["1.2.3", "http://agent-1-2-3"],
  ["xn--80ak6aa92e", "http://agent-xn--80ak6aa92e"],
  ["наука", "http://agent--"],
  ["a/b?c#d@e:f", "http://a-b-c-d-e-f"],
])("the id %j is named %s on the wire", (id, authority) => {
  expect(authorityOf(id)).toBe(authority);
});

test("every id gives an origin that URL parsers leave as it is", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.string({ unit: "binary" }), fc.webUrl(), fc.ipV4()), (id) => {
      const authority = authorityOf(id);
      expect(new URL(authority).origin).toBe(authority);
    }),
  );
});

test.each(["", "two words", "line\nbreak", "naïve"])(
  "a token that no header can hold is refused and not quoted: %j",
  (token) => {
    expect(() => createTransport({ session, token, maxMessageBytes: 10 })).toThrow(
      expect.objectContaining({ code: "invalid_argument", field: "token", value: "(hidden)" }),
    );
  },
);

test.each([0, -1, 1.5, 2 ** 32, Number.NaN])("a limit of %s bytes is refused", (maxMessageBytes) => {
  expect(() => createTransport({ session, token: "t", maxMessageBytes })).toThrow(
    expect.objectContaining({ code: "invalid_argument", field: "maxMessageBytes" }),
  );
});

describe("the limit of a message", () => {
  test("an oversized request is not sent; the error names size, limit and the largest field", async () => {
    const seen: unknown[] = [];
    const { client } = await startConnected(
      { onAuthorization: (value) => seen.push(value) },
      { maxMessageBytes: 1_000 },
    );
    const spec = encodedRun({ messageHistory: [{ text: "x".repeat(2_000) }] });
    const error = await rejection(client.run(spec));
    expect(error).toBeInstanceOf(CallerError);
    expect(error).toMatchObject({ code: "message_too_large", field: "messageHistory" });
    expect((error as CallerError).value).toBeGreaterThan(2_000);
    expect((error as Error).message).toMatch(
      /is 20\d\d bytes \(2013 of them in messageHistory\), over the limit of 1000 bytes/,
    );
    expect(await rejection(client.stream(spec).next())).toMatchObject({ code: "message_too_large" });
    expect(seen).toEqual([]);
  });

  test("a request just at the limit is sent", async () => {
    const { client } = await startConnected({ agent: { run: () => ({ result: "ok" }) } }, { maxMessageBytes: 1_000 });
    // 32 bytes: tags, lengths and values of the other fields, and the prompt's own tag and length.
    const { output } = await client.run(encodedRun({ prompt: "x".repeat(1_000 - 32) }));
    expect(output).toBe("ok");
    const over = encodedRun({ prompt: "x".repeat(1_000 - 31) });
    expect(await rejection(client.run(over))).toMatchObject({ code: "message_too_large", value: 1_001 });
  });

  test("a server that reads less than the client sends rejects with message_too_large", async () => {
    const { client } = await startConnected({ agent: { run: () => ({}) }, readMaxBytes: 500 });
    const error = await rejection(client.run(encodedRun({ prompt: "y".repeat(900) })));
    expect(error).toMatchObject({ code: "message_too_large", field: "request", value: 932 });
  });

  test("an oversized answer is the end of a run that has acted, and names its size", async () => {
    const { client } = await startConnected(
      { agent: { run: () => ({ result: "z".repeat(5_000) }) } },
      { maxMessageBytes: 1_000 },
    );
    const error = await rejection(client.run(encodedRun()));
    expect(error).toBeInstanceOf(RunError);
    expect(error).toMatchObject({ code: "run_failed", kind: "answer_too_large", runId: "run-1", retriable: false });
    expect((error as Error).message).toMatch(/has ended, but its answer is 5009 bytes, over the limit of 1000 bytes/);
  });

  test("several megabytes pass both ways by default", async () => {
    const { client } = await startConnected({ agent: { run: ({ prompt }) => ({ result: prompt }) } });
    const prompt = "m".repeat(8 * 1024 * 1024);
    expect((await client.run(encodedRun({ prompt }))).output).toBe(prompt);
  });

  test("a call is not refused while another waits to send megabytes", async () => {
    const held = Promise.withResolvers<ServerHttp2Stream>();
    const { client, server } = await startConnected({
      agent: { run: ({ prompt }) => ({ result: prompt.slice(0, 5) }) },
    });
    for (const session of server.sessions) {
      session.once("stream", (stream) => {
        stream.pause();
        held.resolve(stream);
      });
    }
    const large = client.run(encodedRun({ prompt: "L".repeat(30 * 1024 * 1024) }));
    const stream = await within("the large call's arrival", held.promise);
    const small = await Promise.all(Array.from({ length: 5 }, () => client.run(encodedRun({ prompt: "small" }))));
    expect(small.map((result) => result.output)).toEqual(Array(5).fill("small"));
    stream.resume();
    expect((await large).output).toBe("LLLLL");
  });
});
