/** How an init says that it will not start. */

import { describeExitReason, Exit, type ExitReason } from "../report/exit-reason.ts";

/** An init that chose not to start: no crash, nothing is reported. */
export class StartRefused extends Exit {
  readonly how: "ignore" | "error" | "stop";
  /** What the start answers; the process itself ends "normal" unless init answered `stop`. */
  readonly answer: ExitReason;

  constructor(how: "ignore" | "error" | "stop", answer: ExitReason) {
    super(how === "stop" ? answer : "normal");
    this.message = `init answered ${how}${how === "ignore" ? "" : `: ${describeExitReason(answer)}`}`;
    this.how = how;
    this.answer = answer;
  }
}
