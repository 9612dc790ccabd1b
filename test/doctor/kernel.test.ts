import { expect, test } from "vitest";
import { judgeKernel, type KernelFacts, lookAtKernel } from "../../src/doctor/kernel.ts";
import { realPython, usePythonRoom } from "../python/fixture-python.ts";

const room = usePythonRoom();
const good: KernelFacts = { platform: "linux", asked: true, subreaper: true, pdeathsig: true, children: true };
const place = () => ({ cwd: room.path("."), env: { PATH: "/usr/bin:/bin" } });

test.runIf(process.platform === "linux")("an interpreter is asked what Linux lets it do", async () => {
  const facts = await lookAtKernel(realPython, place());
  expect(facts).toEqual(good);
  expect(judgeKernel(facts).map(({ status }) => status)).toEqual(["ok", "ok", "ok"]);
});

test.runIf(process.platform === "linux")("what an interpreter says instead of an answer is the reason", async () => {
  const facts = await lookAtKernel(room.script("broken", "echo 'no libffi here' >&2; exit 1"), place());
  expect(facts).toMatchObject({ subreaper: "no libffi here", pdeathsig: "no libffi here" });
});

test.runIf(process.platform === "linux")("without an interpreter, the kernel is not asked through it", async () => {
  const findings = judgeKernel(await lookAtKernel(undefined, place()));
  expect(findings.map(({ check, status }) => [check, status])).toEqual([
    ["subreaper", "skipped"],
    ["pdeathsig", "skipped"],
    ["children", "ok"],
  ]);
});

test.each(["subreaper", "pdeathsig", "children"] as const)(
  "%s that is refused is a warning with the reason",
  (check) => {
    const findings = judgeKernel({ ...good, [check]: "Operation not permitted" });
    expect(findings.filter(({ status }) => status !== "ok")).toEqual([
      {
        check,
        status: "warning",
        message: expect.stringContaining("cannot be had (Operation not permitted): "),
        fix: { before: expect.any(String) },
      },
    ]);
  },
);

test("elsewhere than on Linux it is said what is not there, and what that means", () => {
  const findings = judgeKernel({ platform: "darwin", asked: false, subreaper: "", pdeathsig: "", children: "" });
  for (const { status, message } of findings) {
    expect(status).toBe("skipped");
    expect(message).toContain("is Linux's alone; on darwin ");
  }
});
