import { expect, test } from "vitest";
import { createLineSplitter } from "../../src/worker/line-splitter.ts";

function split(maxBytes: number, chunks: (string | Buffer)[], flush = true) {
  const lines: [line: string, cut: boolean][] = [];
  const splitter = createLineSplitter({ maxBytes, onLine: (line, cut) => lines.push([line, cut]) });
  for (const chunk of chunks) splitter.push(Buffer.from(chunk as string));
  if (flush) splitter.flush();
  return lines;
}

const texts = (lines: [string, boolean][]) => lines.map(([line]) => line);

test("lines are found wherever the chunks end", () => {
  expect(texts(split(100, ["one\ntw", "o\n", "", "\nthr", "ee"]))).toEqual(["one", "two", "", "three"]);
});

test("a carriage return before the newline is dropped", () => {
  expect(texts(split(100, ["one\r", "\ntwo\r\n"]))).toEqual(["one", "two"]);
});

test("what follows the last newline waits for a flush", () => {
  expect(texts(split(100, ["one\ntwo"], false))).toEqual(["one"]);
});

test("a flush without a rest delivers nothing", () => {
  expect(split(100, ["one\n"])).toEqual([["one", false]]);
});

test("a line that is too long comes in pieces of which only the last is not cut", () => {
  expect(split(4, ["abcdefghij\nkl"])).toEqual([
    ["abcd", true],
    ["efgh", true],
    ["ij", false],
    ["kl", false],
  ]);
});

test("a line of exactly the bound is whole", () => {
  expect(split(4, ["abcd\n", "ef", "gh\n"])).toEqual([
    ["abcd", false],
    ["efgh", false],
  ]);
});

test("a character is cut neither by a chunk nor by the bound", () => {
  const bytes = Buffer.from("aé€😀z\n");
  expect(
    texts(
      split(
        100,
        [...bytes].map((byte) => Buffer.of(byte)),
      ),
    ),
  ).toEqual(["aé€😀z"]);
  for (let bound = 4; bound < 12; bound += 1) {
    const pieces = texts(split(bound, [bytes]));
    expect(pieces.join("")).toBe("aé€😀z");
    expect(Math.max(...pieces.map((piece) => Buffer.byteLength(piece)))).toBeLessThanOrEqual(bound);
  }
});

test("bytes that are no UTF-8 neither throw nor stall", () => {
  expect(split(4, [Buffer.alloc(10, 0x80)]).length).toBe(3);
});

test("a line that arrives byte by byte up to the bound costs little", () => {
  const byte = Buffer.from("x");
  expect(
    texts(
      split(
        64 * 1024,
        Array.from({ length: 70_000 }, () => byte),
      ),
    ).map((line) => line.length),
  ).toEqual([65_536, 4_464]);
});
