import { EventEmitter } from "node:events";
import { describe, expect, test, vi } from "vitest";
import { EchoGuard, type SignalHost, type StopSignal, stopOnSignals } from "../src/signals.ts";

/** A process as this file sees one: it dies of a signal that nobody listens for. */
class Host extends EventEmitter implements SignalHost {
  readonly pid = 4_194_777;
  exitCode: number | undefined;
  diedOf: StopSignal | undefined;

  get(signal: StopSignal): void {
    if (!this.emit(signal)) this.diedOf ??= signal;
  }

  kill(pid: number, signal: StopSignal): void {
    expect(pid).toBe(this.pid);
    this.get(signal);
  }
}

function stopping(host = new Host()) {
  const ended = Promise.withResolvers<void>();
  const system = { stop: vi.fn(() => ended.promise), kill: vi.fn() };
  const guard = new EchoGuard(host);
  guard.acquire();
  const release = stopOnSignals(system, host, guard);
  return { host, system, release };
}

/** Runs `test` in a time of its own, in which it may let half a second pass. */
function inTime(work: (pass: (ms: number) => void) => void): () => void {
  return () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
    try {
      work((ms) => void vi.advanceTimersByTime(ms));
    } finally {
      vi.useRealTimers();
    }
  };
}

describe("signals that a system handles", () => {
  test.each([
    ["SIGTERM", 143],
    ["SIGINT", 130],
  ] as const)("the first %s stops the system and sets the exit code %i", (signal, exitCode) => {
    const { host, system, release } = stopping();
    host.get(signal);
    expect(system.stop).toHaveBeenCalledTimes(1);
    expect(system.kill).not.toHaveBeenCalled();
    expect([host.exitCode, host.diedOf]).toEqual([exitCode, undefined]);
    release();
  });

  test("an exit code that is somebody else's to set is not set", () => {
    const host = new Host();
    const system = { stop: vi.fn(async () => undefined), kill: vi.fn(), keepsExitCode: true };
    const release = stopOnSignals(system, host, new EchoGuard(host));
    host.get("SIGTERM");
    expect([system.stop.mock.calls.length, host.exitCode]).toEqual([1, undefined]);
    release();
  });

  test("an exit code that the host has set stays", () => {
    const { host, release } = stopping();
    host.exitCode = 3;
    host.get("SIGTERM");
    expect(host.exitCode).toBe(3);
    release();
  });

  test(
    "what follows within half a second is the echo of the first",
    inTime((pass) => {
      const { host, system, release } = stopping();
      host.get("SIGINT");
      pass(500);
      host.get("SIGINT");
      host.get("SIGTERM");
      expect([system.stop.mock.calls.length, system.kill.mock.calls.length]).toEqual([1, 0]);
      release();
    }),
  );

  test(
    "a second one kills the system at once, and the host if nobody else listens",
    inTime((pass) => {
      const { host, system } = stopping();
      host.get("SIGINT");
      pass(501);
      host.get("SIGTERM");
      expect(system.kill).toHaveBeenCalledTimes(1);
      expect(host.diedOf).toBe("SIGTERM");
    }),
  );

  test(
    "a second one leaves the host to its own listener",
    inTime((pass) => {
      const { host, system } = stopping();
      host.on("SIGINT", () => undefined);
      host.get("SIGINT");
      pass(501);
      host.get("SIGINT");
      expect(system.kill).toHaveBeenCalledTimes(1);
      expect(host.diedOf).toBeUndefined();
    }),
  );

  test("a system that ended by itself lets go of them at once", () => {
    const { host, release } = stopping();
    release();
    host.get("SIGTERM");
    expect(host.diedOf).toBe("SIGTERM");
    expect(host.exitCode).toBeUndefined();
  });

  test(
    "a system that was stopped quickly holds them until the echo is over",
    inTime((pass) => {
      const { host, release } = stopping();
      host.get("SIGINT");
      release();
      host.get("SIGINT");
      expect(host.diedOf).toBeUndefined();
      pass(500);
      host.get("SIGINT");
      expect(host.diedOf).toBe("SIGINT");
    }),
  );
});

describe("a host that stops its system in a listener of its own", () => {
  function guarded() {
    const host = new Host();
    const guard = new EchoGuard(host);
    guard.acquire();
    return { host, guard };
  }

  test(
    "does not die of the echo when the listener was for once",
    inTime((pass) => {
      const { host, guard } = guarded();
      host.once("SIGINT", () => guard.noteStop());
      host.get("SIGINT");
      host.get("SIGINT");
      pass(499);
      host.get("SIGINT");
      pass(1);
      expect(host.diedOf).toBeUndefined();
      host.get("SIGINT");
      expect(host.diedOf).toBe("SIGINT");
    }),
  );

  test(
    "has half a second to get to it",
    inTime((pass) => {
      const { host, guard } = guarded();
      host.once("SIGINT", () => void setTimeout(() => guard.noteStop(), 400));
      host.get("SIGINT");
      host.get("SIGINT");
      pass(500);
      expect(host.diedOf).toBeUndefined();
    }),
  );

  test(
    "never has the signal go without a listener, so that the operating system does not end it in between",
    inTime(() => {
      const { host, guard } = guarded();
      const counts: number[] = [];
      host.on("removeListener", (event) => counts.push(host.listenerCount(event)));
      host.once("SIGINT", () => guard.noteStop());
      host.get("SIGINT");
      expect(counts).toEqual([1]);
    }),
  );

  test("dies of a signal that nobody had listened for", () => {
    const { host, guard } = guarded();
    host.once("SIGINT", () => guard.noteStop());
    host.get("SIGINT");
    host.get("SIGTERM");
    expect(host.diedOf).toBe("SIGTERM");
  });

  test(
    "and one that does something else gets a second signal after all",
    inTime((pass) => {
      const { host } = guarded();
      host.once("SIGINT", () => undefined);
      host.get("SIGINT");
      host.get("SIGINT");
      expect(host.diedOf).toBeUndefined();
      pass(500);
      expect(host.diedOf).toBe("SIGINT");
    }),
  );

  test(
    "is told nothing twice when it listens again meanwhile",
    inTime((pass) => {
      const { host } = guarded();
      host.once("SIGINT", () => undefined);
      host.get("SIGINT");
      const listener = vi.fn();
      host.on("SIGINT", listener);
      host.get("SIGINT");
      pass(500);
      expect(listener).toHaveBeenCalledTimes(1);
      expect(host.diedOf).toBeUndefined();
    }),
  );

  test("is watched as long as one of its systems lives", () => {
    const { host, guard } = guarded();
    guard.acquire();
    guard.release();
    expect(host.listenerCount("removeListener")).toBe(1);
    guard.release();
    expect(host.listenerCount("removeListener")).toBe(0);
  });
});
