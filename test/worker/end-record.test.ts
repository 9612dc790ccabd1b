import { expect, test } from "vitest";
import { EndRecord, type SeenExit } from "../../src/worker/end-record.ts";

const seen: SeenExit = {
  pid: 7,
  incarnation: 2,
  code: null,
  signal: "SIGKILL",
  zygoteLost: false,
  oomKilled: false,
  uptimeMs: 40,
  stderrTail: ["the last line"],
  peakMemoryBytes: undefined,
  faultTrace: undefined,
};

test("an end of which nothing is known is what was seen of it", () => {
  expect(new EndRecord().exit(seen)).toEqual({
    cause: "signaled",
    pid: 7,
    incarnation: 2,
    exitCode: undefined,
    signal: "SIGKILL",
    loadFailure: undefined,
    detail: undefined,
    stderrTail: ["the last line"],
    wasReady: false,
    uptimeMs: 40,
    peakMemoryBytes: undefined,
    faultTrace: undefined,
  });
});

test("what the worker has said is in the record: that it served, who asked it to end, why it could not load", () => {
  const end = new EndRecord();
  end.wasReady = true;
  end.outsideSignal = "SIGTERM";
  end.loadFailure = { kind: "module_missing", message: "no module", pythonType: "", traceback: "", retriable: false };
  expect(end.exit({ ...seen, code: 0, signal: null })).toMatchObject({
    cause: "exited",
    exitCode: 0,
    wasReady: true,
    outsideSignal: "SIGTERM",
    loadFailure: { kind: "module_missing" },
  });
});

test("a stop that was overdue is told with what held it up, unless something else is known", () => {
  const end = new EndRecord();
  end.decide("stop");
  end.holdUp.enter("joining its threads");
  expect(end.exit({ ...seen, code: 0, signal: null })).toMatchObject({ cause: "stopped", detail: undefined });
  end.decide("kill");
  expect(end.verdict).toBe("stop_overdue");
  expect(end.exit(seen)).toMatchObject({ cause: "killed", detail: 'its last phase was "joining its threads"' });
  end.detail = "it closed its control channel";
  expect(end.exit(seen).detail).toBe("it closed its control channel");
});

test("where the zygote is gone nobody knows how it ended, unless the host has ended it; the kernel that was short of memory is told", () => {
  const [lost, asked, decided, hungry] = [new EndRecord(), new EndRecord(), new EndRecord(), new EndRecord()];
  asked.decide("stop");
  decided.decide("kill");
  expect(lost.exit({ ...seen, zygoteLost: true }).cause).toBe("zygote_lost");
  expect(asked.exit({ ...seen, zygoteLost: true }).cause).toBe("zygote_lost");
  expect(decided.exit({ ...seen, zygoteLost: true }).cause).toBe("killed");
  expect(hungry.exit({ ...seen, oomKilled: true }).cause).toBe("out_of_memory");
});
