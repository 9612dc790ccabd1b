import { expect, test } from "vitest";
import { createFakeLauncher } from "../../src/testing/index.ts";
import { chooseLauncher } from "../../src/worker/launcher-choice.ts";

test.each([
  ["spawn", [["a", "b", "d"], ["c"]]],
  ["zygote", [["a"], ["b", "c", "d"]]],
] as const)(
  "a worker is started in the way that its agent names, where auto is %s, and both ways are closed",
  async (auto, expected) => {
    const [spawn, zygote] = [createFakeLauncher(), createFakeLauncher()];
    const launcher = chooseLauncher({ spawn, zygote, auto });
    const starts = [
      ["a", "spawn"],
      ["b", "auto"],
      ["c", "zygote"],
      ["d", undefined],
    ] as const;
    for (const [agentId, how] of starts) {
      const spec = { agentId, incarnation: 1, interpreter: "-", entry: "a.py:agent", cwd: "/", env: {} };
      const limits = { startTimeoutMs: 30_000, maxMessageBytes: 1_024, onLog: () => undefined };
      launcher.launch({ ...spec, ...limits, ...(how === undefined ? {} : { launcher: how }) });
    }
    const idsOf = ({ workers }: typeof spawn) => workers.map(({ spec }) => spec.agentId);
    expect([idsOf(spawn), idsOf(zygote)]).toEqual(expected);
    for (const worker of [...spawn.workers, ...zygote.workers]) worker.kill();
    await Promise.all([...spawn.workers, ...zygote.workers].map(({ exited }) => exited));
    const closed: string[] = [];
    const closing = (name: string) => ({ ...spawn, close: async () => void closed.push(name) });
    await chooseLauncher({ spawn: closing("spawn"), zygote: closing("zygote"), auto }).close();
    expect(closed).toEqual(["spawn", "zygote"]);
  },
);
