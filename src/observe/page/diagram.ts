/** The adapter's states as a drawing, of which the present one is lit (docs/states.md). */

import { svg } from './dom.ts';
import type { StateName } from './model.ts';

const WIDTH = 620;
const HEIGHT = 224;
const NODE_WIDTH = 104;
const NODE_HEIGHT = 36;
const RADIUS = 10;
/** Below the middle of a line of text. */
const BASELINE = 5;

/** Middles of the nodes. */
const PLACES: Readonly<Record<StateName, readonly [x: number, y: number]>> = {
  Halted: [58, 40],
  Initializing: [184, 40],
  Paused: [310, 40],
  Restarting: [436, 40],
  Running: [562, 40],
  Halting: [184, 126],
  Pausing: [436, 126],
  Shutdown: [562, 198],
};

interface Edge {
  readonly from: StateName;
  readonly to: StateName;
  readonly path: string;
  readonly label?: readonly [text: string, x: number, y: number];
}

const EDGES: readonly Edge[] = [
  { from: 'Halted', to: 'Initializing', path: 'M110 40 H130' },
  { from: 'Initializing', to: 'Paused', path: 'M236 40 H256' },
  { from: 'Paused', to: 'Restarting', path: 'M362 40 H382' },
  { from: 'Restarting', to: 'Running', path: 'M488 40 H508' },
  {
    from: 'Running',
    to: 'Pausing',
    path: 'M562 58 V112 Q562 126 548 126 H490',
    label: ['pause', 530, 118],
  },
  { from: 'Pausing', to: 'Paused', path: 'M384 126 H342 Q328 126 328 112 V60' },
  {
    from: 'Paused',
    to: 'Halting',
    path: 'M292 58 V112 Q292 126 278 126 H238',
    label: ['halt', 262, 118],
  },
  { from: 'Halting', to: 'Halted', path: 'M132 126 H72 Q58 126 58 112 V60' },
];

const LABELS: readonly (readonly [text: string, x: number, y: number])[] = [
  ['initialize', 120, 16],
  ['restart', 373, 16],
];

/** The drawing, and how it is told where the adapter is. */
export interface Diagram {
  readonly element: SVGSVGElement;
  /** Lights `state`, and the way there from the state before. */
  show(state: StateName): void;
}

export function diagram(): Diagram {
  const nodes = new Map<string, SVGElement>();
  const edges = new Map<string, SVGElement>();
  const element = svg('svg', { class: 'diagram', viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: 'img' });
  const title = svg('title');
  element.append(title, arrowHead());
  for (const { from, to, path, label } of EDGES) {
    const edge = svg('path', { class: 'edge', d: path, 'marker-end': 'url(#arrow)' });
    edges.set(`${from} ${to}`, edge);
    element.append(edge);
    if (label !== undefined) element.append(text('edge-label', ...label));
  }
  for (const label of LABELS) element.append(text('edge-label', ...label));
  element.append(
    svg('path', { class: 'edge any', d: 'M412 198 H504', 'marker-end': 'url(#arrow)' }),
    text('edge-label end', 'any state, when the system ends', 404, 198 + BASELINE),
  );
  for (const [state, [x, y]] of Object.entries(PLACES)) {
    const box = svg('rect', {
      x: x - NODE_WIDTH / 2,
      y: y - NODE_HEIGHT / 2,
      width: NODE_WIDTH,
      height: NODE_HEIGHT,
      rx: RADIUS,
    });
    const node = svg('g', { class: 'node', 'data-state': state }, box);
    node.append(text('node-label', state, x, y + BASELINE));
    nodes.set(state, node);
    element.append(node);
  }
  let now: StateName | undefined;
  return {
    element,
    show(state) {
      if (state === now) return;
      for (const [name, node] of nodes) node.classList.toggle('lit', name === state);
      for (const [name, edge] of edges) edge.classList.toggle('lit', name === `${now} ${state}`);
      title.textContent = `The adapter is ${state}.`;
      now = state;
    },
  };
}

function arrowHead(): SVGElement {
  const head = svg('path', { class: 'arrow', d: 'M0 0 L8 4 L0 8 Z' });
  const marker = { id: 'arrow', viewBox: '0 0 8 8', refX: 6, refY: 4 };
  const size = {
    markerWidth: 10,
    markerHeight: 10,
    orient: 'auto',
    markerUnits: 'userSpaceOnUse',
  };
  return svg('defs', {}, svg('marker', { ...marker, ...size }, head));
}

function text(kind: string, words: string, x: number, y: number): SVGElement {
  return svg('text', { class: kind, x, y }, words);
}
