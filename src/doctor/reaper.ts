/** Process 1: whether somebody waits for what a killed worker leaves. */

import type { ProcessOne } from "../process-one.ts";
import type { Finding } from "./finding.ts";

/** Judges who process 1 is. The doctor is no service: where it is process 1 itself, the service would be. */
export function judgeReaper(one: ProcessOne): Finding {
  if (one === "something else") {
    return { check: "reaper", status: "ok", message: "process 1 is no Node, and is taken for an init" };
  }
  return {
    check: "reaper",
    status: "warning",
    message: `process 1 is ${one === "this program" ? one : `${one} program`}, which reaps no orphans: what a worker that was started with launcher "spawn" leaves behind when it is killed stays as a zombie`,
    fix: {
      before: "start the container with an init: docker run --init, init: true in Compose, or tini as its entry point",
    },
  };
}
