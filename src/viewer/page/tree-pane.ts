/** The supervision tree: a virtual list, for there may be thousands of rows. */

import type { VNode } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { NodeStatus } from "../../inspect/inspected-system.ts";
import { bytes, count, duration, short } from "./format.ts";
import { html } from "./html.ts";
import { shownState, whyDown } from "./shown-state.ts";
import { StateMark } from "./state-mark.ts";
import { treeRows } from "./tree-rows.ts";
import type { World } from "./world.ts";

/** Height of a row in pixels; app.css has it too. */
const rowHeight = 42;
/** Rows beyond those in sight. */
const spare = 6;

/** Shows the tree. */
export function TreePane(props: {
  readonly world: World;
  readonly selected: string;
  readonly onSelect: (path: string) => void;
}): VNode {
  const { world, selected, onSelect } = props;
  const [search, setSearch] = useState("");
  const [folded, setFolded] = useState<ReadonlySet<string>>(new Set());
  const [top, setTop] = useState(0);
  const [height, setHeight] = useState(600);
  const list = useRef<HTMLDivElement>(null);
  const { treeVersion } = world;
  const rows = useMemo(() => treeRows(world.nodes, folded, search), [world, treeVersion, folded, search]);
  const index = rows.findIndex(({ node }) => node.path === selected);

  useEffect(() => {
    const element = list.current;
    if (element === null) return;
    const observer = new ResizeObserver(() => setHeight(element.clientHeight));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  const select = (next: number) => {
    const row = rows[Math.max(0, Math.min(rows.length - 1, next))];
    const element = list.current;
    if (row === undefined || element === null) return;
    onSelect(row.node.path);
    const at = rows.indexOf(row) * rowHeight;
    if (at < element.scrollTop) element.scrollTop = at;
    else if (at + rowHeight > element.scrollTop + element.clientHeight) {
      element.scrollTop = at + rowHeight - element.clientHeight;
    }
  };
  const fold = (path: string, isFolded: boolean) => {
    const next = new Set(folded);
    if (isFolded) next.add(path);
    else next.delete(path);
    setFolded(next);
  };
  const onKey = (event: KeyboardEvent) => {
    const row = rows[index];
    const page = Math.max(1, Math.floor(height / rowHeight) - 1);
    const moves: Record<string, () => void> = {
      ArrowDown: () => select(index + 1),
      ArrowUp: () => select(index - 1),
      Home: () => select(0),
      End: () => select(rows.length - 1),
      PageDown: () => select(index + page),
      PageUp: () => select(index - page),
      ArrowRight: () => (row?.hasChildren === true && !row.open ? fold(row.node.path, false) : select(index + 1)),
      ArrowLeft: () => {
        if (row?.open === true) fold(row.node.path, true);
        else select(rows.findLastIndex(({ level }, at) => at < index && level < (row?.level ?? 1)));
      },
    };
    const move = moves[event.key];
    if (move === undefined) return;
    event.preventDefault();
    move();
  };

  const first = Math.max(0, Math.floor(top / rowHeight) - spare);
  const last = Math.min(rows.length, Math.ceil((top + height) / rowHeight) + spare);
  const inSight = rows.slice(first, last);
  return html`<section class="pane tree" aria-label="Supervision tree">
    <div class="bar">
      <input
        type="search" placeholder="Search by name, state or kind" aria-label="Search the tree"
        value=${search} onInput=${({ currentTarget }: { currentTarget: HTMLInputElement }) => setSearch(currentTarget.value)}
      />
      <span class="count" aria-live="polite">${short(rows.length)} ${search === "" ? "shown" : "found"}</span>
    </div>
    <div
      class="rows" role="tree" aria-label="Supervisors, agents and processes" tabindex="0" ref=${list}
      aria-activedescendant=${index === -1 ? undefined : `row-${index}`}
      onKeyDown=${onKey} onScroll=${({ currentTarget }: { currentTarget: HTMLElement }) => setTop(currentTarget.scrollTop)}
    >
      <div class="all" role="presentation" style=${`height: ${rows.length * rowHeight}px`}>
        ${inSight.map((row, offset) => {
          const { node, level, hasChildren, open, position, siblings } = row;
          const at = first + offset;
          return html`<div
            key=${node.path} id=${`row-${at}`} role="treeitem" class=${`row${node.path === selected ? " selected" : ""}`}
            style=${`top: ${at * rowHeight}px; padding-left: ${(level - 1) * 16 + 6}px`}
            aria-level=${level} aria-posinset=${position} aria-setsize=${siblings}
            aria-selected=${node.path === selected ? "true" : "false"} aria-expanded=${hasChildren ? String(open) : undefined}
            title=${node.path} onClick=${() => onSelect(node.path)}
          >
            <span class="fold" aria-hidden="true" onClick=${(event: Event) => {
              event.stopPropagation();
              if (hasChildren) fold(node.path, open);
            }}>${hasChildren ? (open ? "▾" : "▸") : ""}</span>
            <${StateMark} state=${shownState(node)} />
            <span class="what">
              <span class="line"><span class="visually-hidden">${node.kind} </span><span class=${`id ${node.kind}`}>${search === "" ? node.id : node.path}</span><span class="visually-hidden">, </span><span class=${`state${whyDown(node) === undefined ? "" : " bad"}`}>${shownState(node)}</span><span class="visually-hidden">, </span></span>
              <span class="facts" title=${whyDown(node)}>${factsOf(node).join(" · ") || node.kind}</span>
            </span>
          </div>`;
        })}
      </div>
      ${rows.length === 0 ? html`<p class="nothing">${search === "" ? "Nothing runs." : "Nothing is called that."}</p>` : ""}
    </div>
  </section>`;
}

/** What a row tells beside the state, each number with its unit. */
function factsOf(node: NodeStatus): string[] {
  const { restarts, queued = 0, inFlight = 0, tokens = 0, meanRunMs, memoryBytes } = node;
  const leftDown = whyDown(node);
  const facts: string[] = leftDown === undefined ? [] : [leftDown];
  if (restarts > 0) facts.push(count(restarts, "restart"));
  if (inFlight > 0) facts.push(`${short(inFlight)} in flight`);
  if (queued > 0) facts.push(`${short(queued)} queued`);
  if (tokens > 0) facts.push(`${short(tokens)} tok`);
  if (meanRunMs !== undefined) facts.push(`${duration(meanRunMs)}/run`);
  if (memoryBytes !== undefined) facts.push(bytes(memoryBytes));
  return facts;
}
