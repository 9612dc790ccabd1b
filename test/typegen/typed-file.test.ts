import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { fileMark } from "../../src/typegen/contract-file.ts";
import { defaultFile, isUpToDate, writeTypes } from "../../src/typegen/typed-file.ts";

const text = `${fileMark} from the agent "a"\n */\n`;

function fileOf(before?: string): string {
  const folder = mkdtempSync(join(tmpdir(), "synapse-typegen-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "types.ts");
  if (before !== undefined) writeFileSync(file, before);
  return file;
}

test.each([
  ["agents/chat.py:agent", "/srv/agents/chat.ts"],
  ["agents/chat.py:support", "/srv/agents/chat.support.ts"],
  ["/opt/chat.py:agent", "/opt/chat.ts"],
  ["app.agents.chat:agent", "/srv/chat.ts"],
  ["chat:other", "/srv/chat.other.ts"],
])("the file of %s is %s", (entry, file) => {
  expect(defaultFile(entry, "/srv")).toBe(file);
});

test.each([
  ["that is not there", undefined],
  ["that is empty", "\n"],
  ["that the command has written", `${text}export type Old = 1;\n`],
])("a file is written %s", (_what, before) => {
  const file = fileOf(before);
  expect(isUpToDate(file, text)).toBe(false);
  expect(writeTypes(file, text)).toBe("written");
  expect(readFileSync(file, "utf8")).toBe(text);
  expect(isUpToDate(file, text)).toBe(true);
});

test("a file that is up to date is not touched, whatever its line breaks", () => {
  const crlf = text.replaceAll("\n", "\r\n");
  const file = fileOf(crlf);
  expect(writeTypes(file, text)).toBe("up_to_date");
  expect(readFileSync(file, "utf8")).toBe(crlf);
});

test("a file of somebody else is left as it is", () => {
  const file = fileOf("export const mine = 1;\n");
  expect(() => writeTypes(file, text)).toThrow(expect.objectContaining({ code: "already_present" }));
  expect(readFileSync(file, "utf8")).toBe("export const mine = 1;\n");
});

test("a place where no file can be says why", () => {
  expect(() => writeTypes(join(fileOf(text), "below.ts"), text)).toThrow(
    expect.objectContaining({ code: "invalid_argument", message: expect.stringContaining("cannot be read") }),
  );
  expect(() => writeTypes(join(fileOf(), "..", "none", "below.ts"), text)).toThrow(/cannot be written: ENOENT/);
});
