/** Bytes at random on every call of a worker that serves a system at the same time: it answers each, and serves on as if nothing had been. */

import { readdirSync } from "node:fs";
import { create, type DescMessage, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { Client, type ClientReadableStream, credentials, Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { expect, onTestFinished, test } from "vitest";
import {
  AwaitEndRequestSchema,
  HostMessageSchema,
  RunRequestSchema,
  SteerRequestSchema,
} from "../../src/gen/synapse_otp/v1/agent_pb.ts";
import { createRandom } from "../../src/simulate/random.ts";
import type { Launcher, WorkerReady } from "../../src/worker/launcher.ts";
import { residentBytes } from "../../src/worker/memory.ts";
import { createSpawnLauncher } from "../../src/worker/spawn-launcher.ts";
import { testAgent, watch } from "./support.ts";

const service = "/synapse_otp.v1.AgentService";
const deadlineMs = 20_000;
/** The largest growth of the worker while it is called with bytes of some kilobytes each. */
const growthBytes = 20 * 1024 * 1024;

interface RawClient {
  readonly client: Client;
  readonly metadata: Metadata;
}

/** Launches as ever, and connects a client of its own to each worker while its socket can be reached by its path. */
function tapped(): { launcher: Launcher; raw: Promise<RawClient> } {
  const inner = createSpawnLauncher();
  const { promise: raw, resolve } = Promise.withResolvers<RawClient>();
  const connect = async ({ socketPath, token }: WorkerReady): Promise<void> => {
    const client = new Client(`unix:${socketPath}`, credentials.createInsecure());
    onTestFinished(() => client.close());
    await new Promise<void>((ready, fail) => {
      client.waitForReady(Date.now() + deadlineMs, (error) => (error === undefined ? ready() : fail(error)));
    });
    const metadata = new Metadata();
    metadata.set("authorization", `Bearer ${token}`);
    resolve({ client, metadata });
  };
  const launcher: Launcher = {
    kind: inner.kind,
    close: () => inner.close(),
    launch(spec) {
      const worker = inner.launch(spec);
      const started = worker.started.then(async (outcome) => {
        if ("ready" in outcome) await connect(outcome.ready);
        return outcome;
      });
      return Object.defineProperty(worker, "started", { value: started });
    },
  };
  return { launcher, raw };
}

const same = (bytes: Buffer): Buffer => bytes;

/** How one call ends: its status. */
function call({ client, metadata }: RawClient, path: string, message: Buffer): Promise<number> {
  const deadline = Date.now() + deadlineMs;
  return new Promise((resolve) => {
    const watchEnd = (stream: ClientReadableStream<Buffer>): void => {
      stream.on("data", () => undefined);
      stream.on("error", () => undefined);
      stream.on("status", ({ code }) => resolve(code));
    };
    if (path.endsWith("RunStream")) {
      watchEnd(client.makeServerStreamRequest(path, same, same, message, metadata, { deadline }));
    } else if (path.endsWith("RunSession")) {
      const stream = client.makeBidiStreamRequest(path, same, same, metadata, { deadline });
      watchEnd(stream as unknown as ClientReadableStream<Buffer>);
      stream.write(message);
      stream.end();
    } else {
      const done = (error: ServiceError | null): void => resolve(error?.code ?? status.OK);
      client.makeUnaryRequest(path, same, same, message, metadata, { deadline }, done);
    }
  });
}

function binary<Desc extends DescMessage>(schema: Desc, init: MessageInitShape<Desc>): Buffer {
  return Buffer.from(toBinary(schema, create(schema, init)));
}

test("a worker that is called with bytes at random answers each call, serves its system meanwhile, and grows by nothing", async () => {
  const { launcher, raw } = tapped();
  const agent = testAgent<string>({
    id: "ctl",
    entry: "test/fixtures/agents/controllable.py:agent",
    maxConcurrency: 4,
  });
  const { system, reports } = await watch([agent], {}, { launcher });
  const served = system.agent(agent);
  await served.whenReady();
  const client = await raw;
  const { pid = 0, incarnation } = served;

  const random = createRandom(20_261_126, "fuzzed calls");
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T;
  const document = (): Uint8Array =>
    Buffer.from(pick(["{", "null", "[[1]]", "NaN", '"\\ud800"', "9".repeat(20), "[".repeat(10_000), '{"a":[]}']));
  const requests: Record<string, () => Buffer> = {
    [`${service}/Run`]: () => binary(RunRequestSchema, { prompt: "echo:x", depsJson: document() }),
    [`${service}/RunStream`]: () => binary(RunRequestSchema, { prompt: "echo:x", messageHistoryJson: document() }),
    [`${service}/RunSession`]: () =>
      binary(HostMessageSchema, {
        message: { case: "start", value: create(RunRequestSchema, { prompt: "echo:x", outputSchemaJson: document() }) },
      }),
    [`${service}/Describe`]: () => Buffer.alloc(0),
    [`${service}/Steer`]: () => binary(SteerRequestSchema, { runId: "none", attempt: 1 }),
    [`${service}/AwaitEnd`]: () => binary(AwaitEndRequestSchema, { runId: `none-${random()}` }),
    "/grpc.health.v1.Health/Check": () => Buffer.alloc(0),
  };
  const fuzz = (bytes: Buffer): Buffer => {
    const changed = Buffer.from(bytes);
    const at = Math.floor(random() * (changed.length + 1));
    const kind = Math.floor(random() * 4);
    if (kind === 0) return changed.subarray(0, at);
    if (kind === 1) return Buffer.from(Array.from({ length: 30 }, () => Math.floor(random() * 256)));
    if (kind === 2 && changed.length > 0) changed[at % changed.length] = Math.floor(random() * 256);
    return changed;
  };
  const round = async (): Promise<number[]> => {
    const calls = Object.entries(requests).map(([path, make]) => call(client, path, fuzz(make())));
    const own = served.run("echo:on");
    const codes = await Promise.all(calls);
    expect((await own).output).toBe("on");
    return codes;
  };

  for (let n = 0; n < 15; n += 1) await round();
  const before = { bytes: residentBytes(pid) ?? 0, files: openFiles(pid) };
  const codes = new Set<number>();
  for (let n = 0; n < 40; n += 1) for (const code of await round()) codes.add(code);
  // A servicer that raises would be UNKNOWN, one that hangs DEADLINE_EXCEEDED.
  expect([...codes].filter((code) => code === status.UNKNOWN || code === status.DEADLINE_EXCEEDED)).toEqual([]);
  expect(codes).toContain(status.INVALID_ARGUMENT);
  expect((residentBytes(pid) ?? 0) - before.bytes).toBeLessThan(growthBytes);
  expect(openFiles(pid)).toBeLessThanOrEqual(before.files);
  expect([served.state, served.pid, served.incarnation]).toEqual(["ready", pid, incarnation]);
  expect(reports.filter(({ type }) => type === "agent.crashed" || type === "run.lingers")).toEqual([]);
});

/** Open descriptors of a process; 0 where the system does not tell. */
function openFiles(pid: number): number {
  return process.platform === "linux" ? readdirSync(`/proc/${pid}/fd`).length : 0;
}
