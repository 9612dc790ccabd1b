/** The door "synapse-otp/testing": doubles that pass the same contract suites as the real things. */

import "../supported-node.ts";

export { createFakeAgentService, type FakeAgentService, type FakeAgentServiceOptions } from "./fake-agent-service.ts";
export type { FakeBlock } from "./fake-block.ts";
export type { FakeDeath } from "./fake-death.ts";
export type { FakeDescription } from "./fake-description.ts";
export { createFakeLauncher, type FakeLauncher, type FakeLauncherOptions } from "./fake-launcher.ts";
export { type FakeAnswer, type FakeReply, type FakeRun, fakeRunError } from "./fake-run.ts";
export type { FakeStart } from "./fake-start.ts";
export type { FakeWorker, FakeWorkerScript } from "./fake-worker.ts";
export { createVirtualClock, type VirtualClock } from "./virtual-clock.ts";
