/** The selected thing: its tabs, and the buttons of an agent. */

import type { VNode } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { NodeStatus } from "../../inspect/inspected-system.ts";
import { press } from "./connection.ts";
import { type Selected, sizeOf, type Tab, TabContent, tabs } from "./detail-tabs.ts";
import { html } from "./html.ts";

const labels: Readonly<Record<string, { name: string; question: string }>> = {
  restart: { name: "Restart", question: "Its worker finishes or cancels its runs, and the next one takes its place." },
  stop: {
    name: "Stop",
    question: "Its waiting runs are rejected and it is not started again until somebody restarts it.",
  },
  kill: {
    name: "Kill",
    question:
      "Its worker is killed at once, as if it had crashed: its runs fail, and its supervisor decides what follows.",
  },
};

/** What the buttons of an agent that has stopped say. */
const whenDown: typeof labels = {
  restart: { name: "Start", question: "It is started again, as if nothing had been." },
};

/** Shows it. */
export function DetailPane({
  selected,
  actions,
}: {
  readonly selected: Selected;
  readonly actions: readonly string[];
}): VNode {
  const [tab, setTab] = useState<Tab>("State");
  const bar = useRef<HTMLDivElement>(null);
  const { node } = selected;
  const onKey = (event: KeyboardEvent) => {
    const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (step === 0) return;
    event.preventDefault();
    const next = tabs[(tabs.indexOf(tab) + step + tabs.length) % tabs.length] ?? tab;
    setTab(next);
    bar.current?.querySelector<HTMLElement>(`#tab-${next}`)?.focus();
  };
  return html`<section class="pane detail" aria-label="Details">
    <div class="bar">
      <h2>${node?.id ?? "Nothing is selected"}</h2>
      ${node?.completed === undefined ? "" : actions.map((action) => html`<${ActionButton} key=${action} node=${node} action=${action} />`)}
    </div>
    <div class="tabs" role="tablist" aria-label="Details" ref=${bar} onKeyDown=${onKey}>
      ${tabs.map((name) => {
        const size = sizeOf(name, selected);
        return html`<button key=${name} id=${`tab-${name}`} type="button" role="tab" aria-controls="tab-panel"
          aria-selected=${String(name === tab)} tabindex=${name === tab ? 0 : -1} onClick=${() => setTab(name)}
        >${name}${size === undefined || size === 0 ? "" : html` <span class="size">${size}</span>`}</button>`;
      })}
    </div>
    <div class="content" role="tabpanel" id="tab-panel" aria-labelledby=${`tab-${tab}`} tabindex="0">
      <${TabContent} tab=${tab} selected=${selected} />
    </div>
  </section>`;
}

/** A button that asks before it does anything. */
function ActionButton({ node: { id: agentId, state }, action }: { node: NodeStatus; action: string }): VNode {
  const dialog = useRef<HTMLDialogElement>(null);
  const [refusal, setRefusal] = useState<string>();
  const isDown = state === "stopped";
  const { name, question } = (isDown ? whenDown[action] : undefined) ??
    labels[action] ?? { name: action, question: "" };
  useEffect(() => setRefusal(undefined), [agentId]);
  const confirm = async () => {
    setRefusal(undefined);
    const said = await press(agentId, action);
    if (said === undefined) dialog.current?.close();
    else setRefusal(said);
  };
  return html`<button type="button" class=${`action ${action}`} disabled=${isDown && action !== "restart"} onClick=${() => dialog.current?.showModal()}>${name}</button>
    <dialog ref=${dialog} aria-labelledby=${`ask-${action}`}>
      <h2 id=${`ask-${action}`}>${name} agent “${agentId}”?</h2>
      <p>${question}</p>
      ${refusal === undefined ? "" : html`<p class="refusal" role="alert">${refusal}</p>`}
      <div class="answers">
        <button type="button" autofocus onClick=${() => dialog.current?.close()}>Cancel</button>
        <button type="button" class=${`action ${action}`} onClick=${() => void confirm()}>${name}</button>
      </div>
    </dialog>`;
}
