import { describe, expect, test } from "vitest";
import { RunError, WorkerError } from "../../src/errors.ts";
import { type AnswerEvent, AnswerText, parseEventId } from "../../src/http/answer-text.ts";

const text = (seq: number, data: string, end?: "completed" | "failed"): AnswerEvent => ({
  type: "text",
  seq,
  text: `data: ${data}\n\n`,
  end,
});
const take = (answer: AnswerText, ...events: AnswerEvent[]) => events.map((event) => answer.take(event));

test("each text has the name of its event", () => {
  const answer = new AnswerText("vercel-ai", "r1");
  expect(take(answer, { type: "other", seq: 1 }, text(2, "a"), text(3, "b"))).toEqual([
    "",
    "id: r1:2\ndata: a\n\n",
    "id: r1:3\ndata: b\n\n",
  ]);
});

test("the worker's word that all went well waits for the host's own", () => {
  const answer = new AnswerText("ag-ui", "r1");
  expect(take(answer, text(2, "a"), text(3, "end", "completed"), text(4, "done", "completed"))).toEqual([
    "id: r1:2\ndata: a\n\n",
    "",
    "",
  ]);
  expect(take(answer, { type: "completed", seq: 5 })).toEqual(["id: r1:3\ndata: end\n\nid: r1:4\ndata: done\n\n"]);
});

test("a run that the host refuses after the worker's word ends as failed", () => {
  const answer = new AnswerText("ag-ui", "r1");
  const error = new RunError("output_invalid", "secret");
  expect(take(answer, text(2, "end", "completed"), { type: "failed", seq: 3, error })).toEqual([
    "",
    'id: r1:3\ndata: {"type":"RUN_ERROR","message":"The run has failed.","code":"output_invalid"}\n\n',
  ]);
});

test("a failure that the worker has told is told once", () => {
  const answer = new AnswerText("vercel-ai", "r1");
  const error = new RunError("run_failed", "secret");
  expect(
    take(answer, text(2, "error", "failed"), text(3, "done", "failed"), { type: "failed", seq: 4, error }),
  ).toEqual(["id: r1:2\ndata: error\n\n", "id: r1:3\ndata: done\n\n", ""]);
});

test("a client that has the failure already is not told again when it comes back", () => {
  const answer = new AnswerText("vercel-ai", "r1");
  answer.skip(text(3, "done", "failed"));
  expect(take(answer, { type: "cancelled", seq: 4 })).toEqual([""]);
});

describe("a worker that could not tell the end", () => {
  const died: AnswerEvent = { type: "failed", seq: 3, error: new WorkerError("worker_exited", "secret") };

  test("is spoken for in the Vercel AI SDK's words", () => {
    const [, end] = take(new AnswerText("vercel-ai", "r1"), text(2, "a"), died);
    expect(end).toBe(
      'id: r1:3\ndata: {"type":"error","errorText":"The run was interrupted. Try again."}\n\ndata: [DONE]\n\n',
    );
    const [, cancelled] = take(new AnswerText("vercel-ai", "r1"), text(2, "a"), { type: "cancelled", seq: 3 });
    expect(cancelled).toBe('id: r1:3\ndata: {"type":"abort","reason":"The run was cancelled."}\n\ndata: [DONE]\n\n');
  });

  test("is spoken for in AG-UI's", () => {
    const [, end] = take(new AnswerText("ag-ui", "r1"), text(2, "a"), died);
    expect(end).toContain(
      '{"type":"RUN_ERROR","message":"The run was interrupted. Try again.","code":"worker_exited"}',
    );
    const [cancelled] = take(new AnswerText("ag-ui", "r1"), { type: "cancelled", seq: 3 });
    expect(cancelled).toContain('"code":"run_cancelled"');
  });
});

test.each([
  ["r1:7", { runId: "r1", seq: 7 }],
  ["a:b:0", { runId: "a:b", seq: 0 }],
  ["r1", undefined],
  ["r1:-1", undefined],
  [":7", undefined],
])("the name %j is read as %j", (id, expected) => {
  expect(parseEventId(id)).toEqual(expected);
});
