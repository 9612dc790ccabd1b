/** What a model is told, in parts: texts, and media by their URL or their bytes. */

import type { MessageInitShape } from "@bufbuild/protobuf";
import { checkKnownFields, invalidArgument } from "../errors.ts";
import {
  type ContentPartSchema,
  MediaKind,
  type ContentPart as WireContentPart,
} from "../gen/synapse_otp/v1/agent_pb.ts";

/** What a medium is. */
export type MediaType = "image" | "audio" | "video" | "document";

/** A part of a prompt, or of what a tool answers. A string is a text. */
export type ContentPart =
  | string
  | { readonly type: "text"; readonly text: string }
  /** `mediaType`: default as the URL says. */
  | { readonly type: MediaType; readonly url: string | URL; readonly mediaType?: string | undefined }
  | { readonly type: MediaType; readonly data: Uint8Array; readonly mediaType: string };

type WirePart = MessageInitShape<typeof ContentPartSchema>;

const kinds: Readonly<Record<MediaType, MediaKind>> = {
  image: MediaKind.IMAGE,
  audio: MediaKind.AUDIO,
  video: MediaKind.VIDEO,
  document: MediaKind.DOCUMENT,
};
const fields: ReadonlySet<string> = new Set(["type", "text", "url", "data", "mediaType"]);
const partRule = `a string, or an object of type "text", "${Object.keys(kinds).join('", "')}"`;

/**
 * The parts as they cross the wire; bytes are copied.
 * @throws CallerError "invalid_argument" naming the part, `field[2].url`
 */
export function toContent(field: string, parts: readonly ContentPart[]): WirePart[] {
  if (!Array.isArray(parts)) throw invalidArgument(field, parts, "a list of content parts");
  return parts.map((part, index) => toPart(`${field}[${index}]`, part as ContentPart));
}

function toPart(field: string, part: ContentPart): WirePart {
  if (typeof part === "string") return text(field, part);
  if (typeof part !== "object" || part === null) throw invalidArgument(field, part, partRule);
  checkKnownFields(field, part, fields);
  if (part.type === "text") return text(`${field}.text`, part.text);
  const kind = Object.hasOwn(kinds, part.type) ? kinds[part.type] : undefined;
  if (kind === undefined)
    throw invalidArgument(`${field}.type`, part.type, `"text", "${Object.keys(kinds).join('", "')}"`);
  const { mediaType } = part;
  if (mediaType !== undefined && !isMediaType(mediaType)) {
    throw invalidArgument(`${field}.mediaType`, mediaType, 'a media type such as "image/png"');
  }
  if ("url" in part === "data" in part) throw invalidArgument(field, part, "with either url or data");
  if ("url" in part) {
    return { part: { case: "url", value: { kind, url: toUrl(`${field}.url`, part.url), mediaType: mediaType ?? "" } } };
  }
  const { data } = part;
  if (!(data instanceof Uint8Array)) throw invalidArgument(`${field}.data`, data, "a Uint8Array");
  if (mediaType === undefined) throw invalidArgument(`${field}.mediaType`, mediaType, "the media type of data");
  return { part: { case: "binary", value: { data: new Uint8Array(data), mediaType } } };
}

function text(field: string, value: string): WirePart {
  if (typeof value !== "string" || !value.isWellFormed())
    throw invalidArgument(field, value, "a text without lone surrogates");
  return { part: { case: "text", value } };
}

function isMediaType(value: unknown): boolean {
  return typeof value === "string" && /^[\w.+-]+\/[\w.+-]+/.test(value) && value.isWellFormed();
}

/** Files, and the clouds' own addresses, are read by whoever is told of them with rights of its own: they are no content of a caller's. */
function toUrl(field: string, url: string | URL): string {
  const parsed = typeof url === "string" && URL.canParse(url) ? new URL(url) : url;
  if (!(parsed instanceof URL) || (parsed.protocol !== "http:" && parsed.protocol !== "https:")) {
    throw invalidArgument(field, typeof url === "string" ? url : String(url), "an http or https URL");
  }
  if (typeof url !== "string") return url.href;
  if (!url.isWellFormed()) throw invalidArgument(field, url, "a URL without lone surrogates");
  return url;
}

/** About how large a part is, in bytes; never less than it is. */
export function contentBytes({ part }: WireContentPart): number {
  switch (part.case) {
    case "text":
      return 3 * part.value.length;
    case "url":
      return 32 + 3 * (part.value.url.length + part.value.mediaType.length);
    case "binary":
      return 32 + part.value.data.length + 3 * part.value.mediaType.length;
    default:
      return 0;
  }
}
