/** A statechart as a drawing: boxes and arrows with their places. */

import dagre from "@dagrejs/dagre";

type Graph = InstanceType<typeof dagre.graphlib.Graph>;

/** A state with its place; `id` is its path, joined by dots. */
export interface ChartState {
  readonly id: string;
  readonly name: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly isGroup: boolean;
  readonly isFinal: boolean;
  readonly isInitial: boolean;
  /** It stands for whatever state the machine is in: what is defined on the machine's root leads out of it. */
  readonly isAny: boolean;
}

/** The id of that one. */
export const anyState = "*";

/** The transitions from one state to another, as one arrow. */
export interface ChartEdge {
  readonly from: string;
  readonly to: string;
  readonly events: readonly string[];
  readonly points: readonly { readonly x: number; readonly y: number }[];
}

/** A drawing. */
export interface Chart {
  readonly width: number;
  readonly height: number;
  readonly states: readonly ChartState[];
  readonly edges: readonly ChartEdge[];
}

interface StateConfig {
  readonly id?: string;
  readonly type?: string;
  readonly initial?: unknown;
  readonly states?: Readonly<Record<string, StateConfig>>;
  readonly on?: Readonly<Record<string, unknown>>;
  readonly after?: Readonly<Record<string, unknown>>;
  readonly always?: unknown;
  readonly onDone?: unknown;
  readonly invoke?: unknown;
}

interface Found {
  readonly id: string;
  readonly name: string;
  readonly parent: string | undefined;
  readonly config: StateConfig;
  readonly isInitial: boolean;
}

/** Nobody reads a drawing of more. */
const mostStates = 150;

/** Lays a definition out; undefined when there is no chart in it. */
export function layOut(definition: string): Chart | undefined {
  const config = parse(definition);
  if (config?.states === undefined) return undefined;
  const found = [...anyOf(config), ...statesOf(config)];
  if (found.length === 0 || found.length > mostStates) return undefined;
  const groups = new Set(found.flatMap(({ parent }) => (parent === undefined ? [] : [parent])));
  const edges = edgesOf(found, groups);
  const graph = bestOf(["LR", "TB"].map((direction) => place(direction, found, edges)));
  const { width = 0, height = 0 } = graph.graph();
  const states = found.map(({ id, name, config: { type }, isInitial }): ChartState => {
    const place = graph.node(id);
    return {
      id,
      name,
      isInitial,
      isGroup: groups.has(id),
      isFinal: type === "final",
      isAny: id === anyState,
      ...place,
    };
  });
  const drawn = [...edges.values()].map(({ from, to, ends, events }): ChartEdge => {
    const isLoop = ends[0] === ends[1];
    const points = isLoop ? loopAt(graph.node(ends[0])) : (graph.edge(ends[0], ends[1])?.points ?? []);
    return { from, to, events: [...events], points };
  });
  return { width, height, states, edges: drawn };
}

/** The room that a drawing has on the page, more or less. */
const room = { width: 570, height: 300 };

/** The one that is largest when it is made to fit. */
function bestOf(graphs: readonly Graph[]): Graph {
  const scale = (graph: Graph) => {
    const { width = 1, height = 1 } = graph.graph();
    return Math.min(room.width / width, room.height / height);
  };
  return graphs.reduce((best, graph) => (scale(graph) > scale(best) ? graph : best));
}

function place(rankdir: string, found: readonly Found[], edges: ReadonlyMap<string, Edge>): Graph {
  const graph = new dagre.graphlib.Graph({ compound: true, multigraph: false });
  const isFlat = rankdir === "LR";
  graph.setGraph({ rankdir, nodesep: isFlat ? 40 : 30, ranksep: 34, edgesep: 16, marginx: 8, marginy: 20 });
  for (const { id, name, parent } of found) {
    graph.setNode(id, { width: Math.max(60, name.length * 8.6 + 20), height: 36 });
    if (parent !== undefined) graph.setParent(id, parent);
  }
  for (const { ends } of edges.values()) if (ends[0] !== ends[1]) graph.setEdge(ends[0], ends[1], {});
  dagre.layout(graph);
  return graph;
}

/** The paths of the states that a value stands for, those above included. */
export function activeStates(value: unknown, above = ""): string[] {
  if (typeof value === "string") return [above === "" ? value : `${above}.${value}`];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => {
    const id = above === "" ? name : `${above}.${name}`;
    return [id, ...activeStates(inner, id)];
  });
}

function parse(definition: string): StateConfig | undefined {
  try {
    const config: unknown = JSON.parse(definition);
    return typeof config === "object" && config !== null ? config : undefined;
  } catch {
    return undefined; // What was cut off, or is no chart.
  }
}

/** Where arrows of the root begin, if it has any. */
function anyOf({ states: _states, id: _id, ...config }: StateConfig): Found[] {
  if (transitionsOf(config).length === 0) return [];
  return [{ id: anyState, name: "any state", parent: undefined, config, isInitial: false }];
}

function statesOf(config: StateConfig, parent?: string): Found[] {
  return Object.entries(config.states ?? {}).flatMap(([name, inner]) => {
    const id = parent === undefined ? name : `${parent}.${name}`;
    const isInitial = config.initial === name;
    return [{ id, name, parent, config: inner, isInitial }, ...statesOf(inner, id)];
  });
}

interface Edge {
  readonly from: string;
  readonly to: string;
  /** Where the arrow is drawn: the layout knows no arrows of groups. */
  readonly ends: readonly [string, string];
  readonly events: Set<string>;
}

function edgesOf(found: readonly Found[], groups: ReadonlySet<string>): Map<string, Edge> {
  const known = new Map(found.map((state) => [state.id, state]));
  const named = new Map(found.flatMap(({ id, config }) => (config.id === undefined ? [] : [[config.id, id]])));
  const leaf = (id: string): string => {
    if (!groups.has(id)) return id;
    const below = found.filter(({ parent }) => parent === id);
    const first = below.find(({ isInitial }) => isInitial) ?? below[0];
    return first === undefined ? id : leaf(first.id);
  };
  const edges = new Map<string, Edge>();
  for (const { id, parent, config } of found) {
    for (const [event, target] of transitionsOf(config)) {
      const to = resolve(target, id, parent, known, named);
      if (to === undefined) continue;
      const key = `${id} ${to}`;
      const edge = edges.get(key) ?? { from: id, to, ends: [leaf(id), leaf(to)] as const, events: new Set() };
      edge.events.add(event);
      edges.set(key, edge);
    }
  }
  return edges;
}

function resolve(
  target: string,
  id: string,
  parent: string | undefined,
  known: ReadonlyMap<string, Found>,
  named: ReadonlyMap<string, string>,
): string | undefined {
  if (target.startsWith("#")) {
    const [name = "", ...below] = target.slice(1).split(".");
    const start = named.get(name);
    const path = [...(start === undefined ? [] : [start]), ...below].join(".");
    return known.has(path) ? path : undefined;
  }
  if (target.startsWith(".")) {
    const below = id === anyState ? target.slice(1) : `${id}${target}`;
    return known.has(below) ? below : undefined;
  }
  const sibling = parent === undefined ? target : `${parent}.${target}`;
  return known.has(sibling) ? sibling : undefined;
}

function transitionsOf({
  on = {},
  after = {},
  always,
  onDone,
  invoke,
}: StateConfig): [event: string, target: string][] {
  const invoked = [invoke].flat().flatMap((one) => {
    const { onDone: done, onError: failed } = (one ?? {}) as { onDone?: unknown; onError?: unknown };
    return [...targetsOf("done", done), ...targetsOf("error", failed)];
  });
  return [
    ...Object.entries(on).flatMap(([event, transition]) => targetsOf(event, transition)),
    ...Object.entries(after).flatMap(([delay, transition]) => targetsOf(`after ${delay}`, transition)),
    ...targetsOf("always", always),
    ...targetsOf("done", onDone),
    ...invoked,
  ];
}

function targetsOf(event: string, transition: unknown): [string, string][] {
  return [transition].flat().flatMap((one): [string, string][] => {
    const target = typeof one === "string" ? one : (one as { target?: unknown } | undefined)?.target;
    return [target].flat().flatMap((name): [string, string][] => (typeof name === "string" ? [[event, name]] : []));
  });
}

function loopAt({ x, y, width, height }: { x: number; y: number; width: number; height: number }) {
  const [top, right] = [y - height / 2, x + width / 4];
  return [
    { x: x - width / 4, y: top },
    { x: x - width / 4, y: top - 16 },
    { x: right, y: top - 16 },
    { x: right, y: top },
  ];
}
