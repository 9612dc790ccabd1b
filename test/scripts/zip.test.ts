import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createZip } from "../../scripts/zip.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "zip-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

test("another implementation reads names, contents, dates and rights, and finds the check sums right", () => {
  const path = join(directory, "test.zip");
  const entries = [
    { path: "b/empty.txt", content: Buffer.alloc(0) },
    { path: "a/grüße.txt", content: Buffer.from("grüße\n") },
    { path: "big.bin", content: Buffer.alloc(300_000, 7) },
  ];
  writeFileSync(path, createZip(entries));
  const script = `
import json, sys, zipfile
archive = zipfile.ZipFile(sys.argv[1])
assert archive.testzip() is None
print(json.dumps([[i.filename, i.file_size, i.date_time, oct(i.external_attr >> 16), archive.read(i)[:7].decode()] for i in archive.infolist()]))
`;
  const found = JSON.parse(execFileSync("python3", ["-c", script, path], { encoding: "utf8" }));
  const date = [1980, 1, 1, 0, 0, 0];
  expect(found).toEqual([
    ["b/empty.txt", 0, date, "0o100644", ""],
    ["a/grüße.txt", 8, date, "0o100644", expect.stringMatching(/^grüße/)],
    ["big.bin", 300_000, date, "0o100644", "\u0007".repeat(7)],
  ]);
});
