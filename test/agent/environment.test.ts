import { expect, test } from "vitest";
import { defineAgent } from "../../src/agent/define.ts";
import { startSupervisor } from "../../src/otp/supervisor/start.ts";
import { rejection } from "../rpc/agent-server.ts";

test("an agent outside of a system is refused by name", async () => {
  const children = [defineAgent({ id: "lost", entry: "lost.py:agent" })];
  const error = await rejection(startSupervisor({ children }));
  expect(error).toMatchObject({ code: "start_failed", cause: { code: "invalid_argument", field: "children" } });
});
