import fc from "fast-check";
import { expect, test } from "vitest";
import type { Session } from "../../src/rpc/session.ts";
import { authorityOf, createTransport } from "../../src/rpc/transport.ts";

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
