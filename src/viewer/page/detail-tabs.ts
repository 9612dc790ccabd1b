/** What the tabs show of the selected thing. */

import type { VNode } from "preact";
import type { NodeStatus } from "../../inspect/inspected-system.ts";
import { bytes, clockTime, count, duration, plain } from "./format.ts";
import { html } from "./html.ts";
import type { CrashFacts, ReportView } from "./report-view.ts";
import type { RunView } from "./runs.ts";
import { RunsTab } from "./runs-tab.ts";
import { shownState, whyDown } from "./shown-state.ts";
import { type ActorView, isAtOrBelow, type LineView, type World } from "./world.ts";

/** The tabs, in their order. */
export const tabs = ["State", "Runs", "Crashes", "Logs", "Policy"] as const;

/** One of them. */
export type Tab = (typeof tabs)[number];

/** Rows of a list: what is older is in the recording. */
const most = 200;

/** The selected thing, as far as it is known. */
export interface Selected {
  readonly world: World;
  readonly path: string;
  readonly node: NodeStatus | undefined;
  readonly actor: ActorView | undefined;
  /** The moment that is shown. */
  readonly nowMs: number;
}

/** How many things a tab has; that of runs, how many of them wait for somebody's answer. */
export function sizeOf(tab: Tab, selected: Selected): number | undefined {
  if (tab === "Runs") return runsOf(selected).filter(({ state }) => state === "waiting").length;
  if (tab === "Crashes") return crashesOf(selected).length;
  if (tab === "Policy") return decisionsOf(selected).length;
  return undefined;
}

/** Shows a tab. */
export function TabContent({ tab, selected }: { readonly tab: Tab; readonly selected: Selected }): VNode {
  switch (tab) {
    case "State":
      return html`<${State} ...${selected} />`;
    case "Runs":
      return html`<${RunsTab} runs=${runsOf(selected)} nowMs=${selected.nowMs} />`;
    case "Crashes":
      return html`<${Crashes} crashes=${crashesOf(selected)} />`;
    case "Logs":
      return html`<${Logs} lines=${selected.world.lines.get(agentOf(selected.node)) ?? []} />`;
    case "Policy":
      return html`<${Policy} decisions=${decisionsOf(selected)} />`;
  }
}

function State({ node, actor }: Selected): VNode {
  const facts: [string, string | undefined][] = [
    ["Kind", node?.kind === "supervisor" && node.completed !== undefined ? "agent with instances" : node?.kind],
    ["State", node === undefined ? undefined : shownState(node)],
    ["Why", node === undefined ? undefined : whyDown(node)],
    ["Restarts", node === undefined ? undefined : count(node.restarts, "restart")],
    ["Worker", node?.incarnation === undefined ? undefined : `number ${node.incarnation}`],
    ["Process", node?.pid === undefined ? undefined : `pid ${node.pid}`],
    ["Memory", node?.memoryBytes === undefined ? undefined : bytes(node.memoryBytes)],
    ["Event loop", node?.lagMs === undefined ? undefined : `answered after ${duration(node.lagMs)}`],
    ["In flight", node?.inFlight === undefined ? undefined : count(node.inFlight, "run")],
    ["Queue", node?.queued === undefined ? undefined : count(node.queued, "run")],
    ["Answered", node?.completed === undefined ? undefined : count(node.completed, "run")],
    ["Not answered", node?.failed === undefined ? undefined : count(node.failed, "run")],
    ["Mean answer", node?.meanRunMs === undefined ? undefined : duration(node.meanRunMs)],
    ["Tokens", node?.tokens === undefined ? undefined : count(node.tokens, "token")],
    ["Last crash", node?.lastCrash],
  ];
  return html`<div>
    <dl class="facts">${facts.flatMap(([name, value]) => (value === undefined ? [] : [html`<dt key=${name}>${name}</dt>`, html`<dd>${value}</dd>`]))}</dl>
    ${actor?.snapshot.context === undefined ? "" : html`<h3>Context</h3><${Tree} value=${actor.snapshot.context} />`}
    ${actor?.snapshot.error === undefined ? "" : html`<h3>Error</h3><${Tree} value=${actor.snapshot.error} />`}
  </div>`;
}

/** A value as lines: name and value, indented. */
function Tree({ value }: { value: unknown }): VNode {
  if (typeof value !== "object" || value === null) return html`<code>${plain(value)}</code>`;
  return html`<dl class="value">${Object.entries(value).map(
    ([name, inner]) =>
      html`<div key=${name}><dt>${name}</dt><dd>${
        typeof inner === "object" && inner !== null && Object.keys(inner).length > 0
          ? html`<${Tree} value=${inner} />`
          : html`<code>${plain(inner)}</code>`
      }</dd></div>`,
  )}</dl>`;
}

/** Facts of a crash in the order in which one asks; the rest follows. */
const crashOrder = [
  "cause",
  "signal",
  "exitCode",
  "detail",
  "uptimeMs",
  "wasReady",
  "pid",
  "peakMemoryBytes",
  "runsInFlight",
  "lastEvents",
  "decision",
];
const crashLists = ["stderrTail", "faultTrace", "stackDump"];
const notTold = new Set(["describe", "agentId", "incarnation", "atMs", "runFingerprints", ...crashLists]);

function Crashes({ crashes }: { crashes: readonly ReportView[] }): VNode {
  if (crashes.length === 0) return html`<p class="nothing">It has not crashed.</p>`;
  return html`<ol class="crashes">${crashes.map(
    (
      { report: { crash = {}, incarnation }, atMs },
      index,
    ) => html`<li key=${`${atMs} ${incarnation}`}><details open=${index === 0}>
      <summary><time>${clockTime(atMs)}</time> ${crash.describe ?? "it crashed"}</summary>
      <${CrashRecord} crash=${crash} />
    </details></li>`,
  )}</ol>`;
}

function CrashRecord({ crash }: { crash: CrashFacts }): VNode {
  const names = [
    ...crashOrder,
    ...Object.keys(crash).filter((name) => !crashOrder.includes(name) && !notTold.has(name)),
  ];
  const rows = names
    .filter((name) => crash[name] !== undefined)
    .map((name) => [name, crashValue(name, crash[name])] as const);
  const lists = crashLists.flatMap((name) => {
    const lines = crash[name];
    return Array.isArray(lines) && lines.length > 0 ? [[name, lines.map(String)] as const] : [];
  });
  return html`<div>
    <dl class="facts">${rows.flatMap(([name, value]) => [html`<dt key=${name}>${wordsOf(name)}</dt>`, html`<dd>${value}</dd>`])}</dl>
    ${lists.map(([name, lines]) => html`<h3 key=${name}>${wordsOf(name)}</h3><pre tabindex="0">${lines.join("\n")}</pre>`)}
  </div>`;
}

function crashValue(name: string, value: unknown): string {
  if (name === "decision") {
    const { type, because, delayMs } = value as { type: string; because: string; delayMs?: number };
    return `${type}${delayMs === undefined || delayMs === 0 ? "" : ` after ${duration(delayMs)}`}: ${because}`;
  }
  if (name.endsWith("Ms") && typeof value === "number") return duration(value);
  if (name.endsWith("Bytes") && typeof value === "number") return bytes(value);
  if (Array.isArray(value)) return value.length === 0 ? "none" : value.map(plain).join(", ");
  return plain(value);
}

/** "peakMemoryBytes" as "Peak memory". */
function wordsOf(name: string): string {
  const words = name.replace(/(?:Ms|Bytes)$/, "").replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function Logs({ lines }: { lines: readonly LineView[] }): VNode {
  if (lines.length === 0)
    return html`<p class="nothing">Its workers have written nothing since the viewer started.</p>`;
  return html`<ol class="lines">${lines
    .slice(-most)
    .map(
      ({ atMs, level, text, incarnation }, index) =>
        html`<li key=${`${atMs} ${index}`} class=${level}><time>${clockTime(atMs)}</time><b title=${`worker ${incarnation}`}>${level}</b><span>${text}</span></li>`,
    )}</ol>`;
}

const decisionTones: Readonly<Record<string, string>> = { restart: "wait", wait: "wait", free: "good" };

function Policy({ decisions }: { decisions: readonly ReportView[] }): VNode {
  if (decisions.length === 0) return html`<p class="nothing">No decision has been made about it.</p>`;
  return html`<ol class="decisions">${decisions.map(({ atMs, text, report }, index) => {
    const { decision, because } = report;
    const kind = decision?.type ?? report.by ?? (report.type === "agent.unlimited" ? "free" : report.type);
    return html`<li key=${`${atMs} ${index}`}>
      <time>${clockTime(atMs)}</time> <span class=${`chip ${decisionTones[kind] ?? "bad"}`}>${kind.replace("_", " ")}</span>
      ${decision?.delayMs === undefined || decision.delayMs === 0 ? "" : html`<span> after ${duration(decision.delayMs)}</span>`}
      <p>${decision?.because ?? because ?? text}</p>
      <p class="faint">${report.offender?.path ?? report.path ?? ""}</p>
    </li>`;
  })}</ol>`;
}

/** The agent of a place: an instance has its runs and lines in common with the others. */
function agentOf(node: NodeStatus | undefined): string {
  return node?.id.replace(/\/(?:\d+|spare)$/, "") ?? "";
}

/** Those that wait for somebody first, then the newest. */
function runsOf({ world, node }: Selected): RunView[] {
  const runs = world.runs.of(agentOf(node)).reverse();
  const waiting = runs.filter(({ state }) => state === "waiting");
  return [...waiting, ...runs.filter(({ state }) => state !== "waiting")].slice(0, most);
}

/** Those of an agent, or of all that is below a supervisor. */
function crashesOf({ world, path, node }: Selected): ReportView[] {
  const of =
    node?.kind === "agent" && node.completed !== undefined
      ? world.crashes(node.id)
      : world.crashes().filter(({ report }) => isAtOrBelow(report.path, path));
  return of.slice(-most).reverse();
}

function decisionsOf({ world, path }: Selected): ReportView[] {
  return world.decisions(path).slice(-most).reverse();
}
