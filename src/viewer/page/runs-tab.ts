/** The tab of runs: how each is, whether it belongs to the system, and whom or what it waits for. */

import type { VNode } from "preact";
import { askText } from "../../inspect/ask-text.ts";
import type { ToldAsk, ToldWait } from "../../inspect/inspected-system.ts";
import { clockTime, duration, plain, short } from "./format.ts";
import { html } from "./html.ts";
import type { RunView } from "./runs.ts";
import type { Tone } from "./shown-state.ts";

const tones: Readonly<Record<string, Tone>> = {
  queued: "rest",
  running: "work",
  waiting: "wait",
  paused: "wait",
  completed: "good",
  failed: "bad",
  cancelled: "rest",
};

/** Shows it. `nowMs` is the moment that is shown; `withAgents`: the runs are of several agents. */
export function RunsTab(props: {
  readonly runs: readonly RunView[];
  readonly nowMs: number;
  readonly withAgents: boolean;
}): VNode {
  const { runs, nowMs, withAgents } = props;
  if (runs.length === 0) return html`<p class="nothing">No run has been seen.</p>`;
  return html`<table class="runs">
    <thead><tr><th>Run</th><th>State</th><th>Queue</th><th>Took</th><th>Tokens</th></tr></thead>
    ${runs.map((run) => html`<${Run} key=${run.runId} run=${run} nowMs=${nowMs} withAgent=${withAgents} />`)}
  </table>`;
}

function Run({ run, nowMs, withAgent }: { run: RunView; nowMs: number; withAgent: boolean }): VNode {
  const { runId, agentId, attempt, startedAtMs, waitedMs, state, code, durationMs, tokens } = run;
  const began = startedAtMs === undefined ? "" : `, began ${clockTime(startedAtMs)}`;
  const notes = notesOf(run, nowMs);
  return html`<tbody>
    <tr>
      <td title=${`${runId}${began}`}>${runId.slice(0, 8)}${attempt > 1 ? html` <span class="faint" title="attempts">×${attempt}</span>` : ""}${withAgent ? html`<span class="agent" title=${agentId}>${agentId}</span>` : ""}</td>
      <td><span class=${`chip ${tones[state] ?? "rest"}`}>${state}</span>${code === undefined ? "" : html`<span class="visually-hidden">: </span><span class="code">${code}</span>`}</td>
      <td>${waitedMs === undefined ? "" : duration(waitedMs)}</td>
      <td>${durationMs === undefined ? (state === "queued" ? "" : "…") : duration(durationMs)}</td>
      <td>${tokens === undefined ? "" : short(tokens)}</td>
    </tr>
    ${notes.length === 0 ? "" : html`<tr class="notes"><td colspan="5">${notes.map((note, index) => html`<p key=${index}>${note}</p>`)}</td></tr>`}
  </tbody>`;
}

function notesOf({ state, told }: RunView, nowMs: number): (string | VNode)[] {
  if (told === undefined) return [];
  const notes: (string | VNode)[] = [];
  if (state === "waiting") {
    for (const wait of told.waits ?? []) notes.push(html`<b>waits for</b> ${waitText(wait)}, ${timesOf(wait, nowMs)}`);
  }
  if (state === "paused" && told.asks !== undefined) {
    notes.push(html`<b>paused for</b> ${told.asks.map(callText).join("; ")}`);
  }
  if (told.error !== undefined) notes.push(told.error);
  if (told.kept) {
    const key = told.idempotencyKey === undefined ? "" : `, key “${told.idempotencyKey}”`;
    const leaves = told.detached === false ? ", cancelled when its last reader leaves" : "";
    notes.push(html`<span class="faint">kept by the system${leaves}${key}</span>`);
  }
  return notes;
}

function waitText({ name, asks }: ToldWait): string {
  return asks === undefined ? `“${name}”` : asks.map(callText).join("; ");
}

function callText(ask: ToldAsk): string {
  return `${askText(ask)}(${plain(ask.args)})`;
}

function timesOf({ sinceMs, deadlineAtMs }: ToldWait, nowMs: number): string {
  const since = `for ${duration(Math.max(0, nowMs - sinceMs)).replace(" ", "\u00a0")}`;
  return deadlineAtMs === undefined ? since : `${since}, until ${clockTime(deadlineAtMs).slice(0, 8)}`;
}
