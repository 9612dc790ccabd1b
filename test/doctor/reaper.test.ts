import { expect, test } from "vitest";
import { judgeReaper } from "../../src/doctor/reaper.ts";

test("an init is ok, and Node as process 1 is a warning", () => {
  expect(judgeReaper("something else").status).toBe("ok");
  for (const one of ["this program", "another Node"] as const) {
    expect(judgeReaper(one)).toMatchObject({
      check: "reaper",
      status: "warning",
      message: expect.stringContaining(`process 1 is ${one}`),
      fix: { before: expect.stringContaining("docker run --init") },
    });
  }
});
