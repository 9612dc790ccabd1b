import { expect, test } from "vitest";
import { MediaKind } from "../../src/gen/synapse_otp/v1/agent_pb.ts";
import { type ContentPart, toContent } from "../../src/rpc/content.ts";

test("texts, URLs and bytes become parts of the contract", () => {
  const data = new Uint8Array([1]);
  expect(
    toContent("prompt", [
      "a",
      { type: "text", text: "b" },
      { type: "image", url: "https://example.org/a b.png" },
      { type: "video", url: new URL("http://example.org/v"), mediaType: "video/mp4" },
      { type: "document", data, mediaType: "application/pdf" },
    ]).map(({ part }) => part),
  ).toEqual([
    { case: "text", value: "a" },
    { case: "text", value: "b" },
    { case: "url", value: { kind: MediaKind.IMAGE, url: "https://example.org/a b.png", mediaType: "" } },
    { case: "url", value: { kind: MediaKind.VIDEO, url: "http://example.org/v", mediaType: "video/mp4" } },
    { case: "binary", value: { data, mediaType: "application/pdf" } },
  ]);
});

test.each<[unknown, string]>([
  [7, "prompt[0] is 7"],
  ["\ud800", "prompt[0] is"],
  [{ type: "toString" }, 'prompt[0].type is "toString"'],
  [{ type: "image" }, "prompt[0] is"],
  [{ type: "image", url: "https://a.b/", data: new Uint8Array() }, "prompt[0] is"],
  [
    { type: "image", url: "file:///etc/passwd" },
    'prompt[0].url is "file:///etc/passwd"; it must be an http or https URL',
  ],
  [{ type: "image", url: "gs://bucket/a" }, "prompt[0].url is"],
  [{ type: "image", url: "a.png" }, "prompt[0].url is"],
  [{ type: "image", data: "aGk=", mediaType: "image/png" }, "prompt[0].data is"],
  [{ type: "image", data: new Uint8Array() }, "prompt[0].mediaType is undefined"],
  [{ type: "image", data: new Uint8Array(), mediaType: "png" }, 'prompt[0].mediaType is "png"'],
  [{ type: "image", url: "https://a.b/", size: 3 }, "prompt[0].size is"],
])("a part that breaks its rule is refused by its place: %j", (part, said) => {
  expect(() => toContent("prompt", [part as ContentPart])).toThrow(said);
});
