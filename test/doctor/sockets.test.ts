import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { judgeSockets, lookAtSockets } from "../../src/doctor/sockets.ts";

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "st-doctor-"));
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

test("the place is told with its owner, mode and the length of a path, and nothing is left in it", () => {
  expect(judgeSockets(lookAtSockets({ root }))).toMatchObject({
    check: "sockets",
    status: "ok",
    message: expect.stringMatching(
      new RegExp(
        `^sockets are made in "${root}" \\(owner ${process.geteuid?.()}, mode 0700, not sticky\\); a path has \\d+ of at most`,
      ),
    ),
  });
  expect(readdirSync(root)).toEqual([]);
  expect(judgeSockets({ root: "/tmp", mode: 0o1777, uid: 0, pathBytes: 41 }).message).toContain("mode 1777, sticky");
});

test("a place that every user may rename in is a failure, and its command mends it", () => {
  chmodSync(root, 0o777);
  const finding = judgeSockets(lookAtSockets({ root }));
  expect(finding).toMatchObject({ status: "failure", fix: { command: `chmod +t '${root}'` } });
  execFileSync("/bin/sh", ["-c", finding.fix?.command ?? "false"]);
  expect(judgeSockets(lookAtSockets({ root })).status).toBe("ok");
});

test("a place whose name is too long, or that is not there, is a failure that says what to set", () => {
  const long = join(root, "x".repeat(90));
  mkdirSync(long);
  for (const place of [long, join(root, "none")]) {
    expect(judgeSockets(lookAtSockets({ root: place }))).toMatchObject({
      status: "failure",
      message: expect.stringContaining(place),
      fix: { before: expect.stringMatching(/^set TMPDIR to a /) },
    });
  }
});
