/** A fake agent that obeys the prompts of test/fixtures/agents/controllable.py: echo, sleep, stream, raise, usage-limit. */

import { type FakeReply, type FakeRun, fakeRunError } from "../../src/testing/index.ts";

/** Answers as the fixture agent does; `onCancelled` is told the prompt of a run that was cancelled while it slept or streamed. */
export function controllableAnswer(onCancelled: (prompt: string) => void = () => undefined) {
  return (run: FakeRun): FakeReply => {
    const [command, first = "", second = ""] = run.prompt.split(":");
    run.signal.addEventListener("abort", () => onCancelled(run.prompt), { once: true });
    switch (command) {
      case "echo":
        return run.prompt.slice("echo:".length);
      case "sleep":
        return { hang: true };
      case "stream":
        return { chunks: words(Number(first), Number(second)) };
      case "raise":
        throw new Error(run.prompt.slice("raise:".length));
      case "usage-limit":
        throw fakeRunError("usage_limit_exceeded", "the next request would exceed the request_limit of 1");
      default:
        return run.prompt;
    }
  };
}

/** "word1 word2 …", one each `delayMs`. */
async function* words(count: number, delayMs: number): AsyncGenerator<string> {
  for (let number = 1; number <= count; number += 1) {
    await new Promise((resolve) => setTimeout(resolve, delayMs));
    yield `word${number} `;
  }
}
