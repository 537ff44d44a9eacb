/** How the page looks. Colours of both schemes are pairs here; nothing else knows them. */
export const PAGE_STYLE: string = `
:root {
  color-scheme: light dark;
  --page: #f4f5f8; --card: #ffffff; --line: #e2e5ec; --text: #161a22; --muted: #5d6778; --soft: #eef0f5;
  --out: #2f6fed; --in: #0b8f6a; --good: #0b8f6a; --warn: #b45309; --bad: #c02626; --on-accent: #ffffff;
  --shadow: 0 1px 2px rgb(20 28 48 / .05), 0 4px 16px rgb(20 28 48 / .04);
  --mono: ui-monospace, "SF Mono", Menlo, Consolas, "Liberation Mono", "DejaVu Sans Mono", monospace;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #0d1016; --card: #151a22; --line: #262d39; --text: #e8ebf1; --muted: #8d97a8; --soft: #1d2430;
    --out: #74a7ff; --in: #3ed6a8; --good: #3ed6a8; --warn: #f0b429; --bad: #ff7b72; --on-accent: #0d1016;
    --shadow: none;
  }
}
* { box-sizing: border-box; }
[hidden] { display: none !important; }
body {
  margin: 0; background: var(--page); color: var(--text);
  font: 14px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", "DejaVu Sans", sans-serif;
  font-variant-numeric: tabular-nums;
}
.top {
  display: flex; align-items: center; gap: 18px; padding: 14px 28px; background: var(--card);
  border-bottom: 1px solid var(--line); position: sticky; top: 0; z-index: 1;
}
.brand { font-weight: 700; font-size: 17px; letter-spacing: -.01em; }
.host { margin: 0; color: var(--muted); flex: 1; white-space: pre-wrap; }
.mode { display: inline-flex; align-items: center; gap: 10px; color: var(--muted); }
.mode::before { content: ""; width: 9px; height: 9px; border-radius: 50%; background: var(--bad); }
.live .mode::before { background: var(--good); box-shadow: 0 0 0 4px color-mix(in srgb, var(--good) 20%, transparent); }
.notice { margin: 0; padding: 10px 28px; background: color-mix(in srgb, var(--bad) 14%, var(--card)); color: var(--bad); }
.notice:empty { display: none; }
.layout {
  display: grid; grid-template-columns: 312px minmax(0, 1fr); gap: 24px; padding: 24px 28px 40px;
  max-width: 1480px; margin: 0 auto; align-items: start;
}
body:not(.known) .layout, .locked .layout { visibility: hidden; }
body:not(.live) .details { opacity: .55; }
aside { display: grid; gap: 20px; position: sticky; top: 76px; }
.card {
  background: var(--card); border: 1px solid var(--line); border-radius: 14px; padding: 18px 20px;
  box-shadow: var(--shadow); min-width: 0;
}
h2 { margin: 0 0 14px; font-size: 13px; font-weight: 600; color: var(--muted); }
.list { display: grid; gap: 6px; max-height: 60vh; overflow: auto; }
.row {
  display: grid; grid-template-columns: 12px minmax(0, 1fr) 72px 84px; align-items: center; gap: 10px;
  width: 100%; padding: 11px 12px; border: 1px solid transparent; border-radius: 11px; background: none;
  color: inherit; font: inherit; text-align: left; cursor: pointer;
}
.row:hover { background: var(--soft); }
.row[aria-current="true"] { background: var(--card); border-color: var(--line); box-shadow: var(--shadow); }
.row-name { font-weight: 600; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.row-rate { color: var(--muted); text-align: right; white-space: nowrap; font-size: 13px; }
.row-spark { width: 72px; height: 18px; }
.spark { fill: none; stroke: var(--out); stroke-width: 1.6; stroke-linejoin: round; vector-effect: non-scaling-stroke; }
.dot { width: 10px; height: 10px; border-radius: 50%; background: var(--muted); }
.dot[data-state="Running"] { background: var(--good); }
.dot[data-state="Paused"], .dot[data-state="Pausing"], .dot[data-state="Restarting"] { background: var(--warn); }
.dot[data-state="Shutdown"], .dot[data-state="Halted"], .dot[data-state="Halting"] { background: var(--bad); }
.events {
  list-style: none; margin: 0; padding: 0; display: grid; gap: 9px; max-height: 34vh; overflow: auto; font-size: 13px;
}
.events li { display: grid; grid-template-columns: 66px minmax(0, 1fr); overflow-wrap: anywhere; }
.events time { color: var(--muted); }
.events:empty::after { content: "None since the host started."; color: var(--muted); }
.details { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 20px; }
.wide, .head { grid-column: 1 / -1; }
.head { display: grid; grid-template-columns: minmax(0, 1fr) auto; gap: 6px 20px; align-items: center; }
.title { display: flex; flex-wrap: wrap; align-items: center; gap: 10px 16px; }
h1 { margin: 0; font-size: 27px; line-height: 1.2; letter-spacing: -.02em; }
.facts {
  grid-column: 1 / -1; margin: 0; color: var(--muted); font-family: var(--mono); font-size: 12.5px; white-space: pre-wrap;
}
.badges { display: flex; flex-wrap: wrap; gap: 8px; }
.badge {
  padding: 3px 11px; border-radius: 99px; background: var(--soft); color: var(--muted); font-size: 12.5px;
  font-weight: 500; border: 1px solid var(--line);
}
.badge.state { color: var(--on-accent); background: var(--bad); font-weight: 600; border-color: transparent; }
.badge.state[data-state="Running"] { background: var(--good); }
.badge.state[data-state="Paused"], .badge.state[data-state="Pausing"],
.badge.state[data-state="Restarting"] { background: var(--warn); }
.controls { display: flex; gap: 10px; }
.order, .token button {
  padding: 8px 18px; border-radius: 10px; border: 1px solid var(--line); background: var(--card); color: var(--text);
  font: inherit; font-weight: 600; cursor: pointer;
}
.order:hover:enabled, .token button:hover { border-color: var(--out); color: var(--out); }
.order:disabled { opacity: .4; cursor: default; }
:focus-visible { outline: 2px solid var(--out); outline-offset: 2px; }
.diagram { display: block; width: 100%; max-width: 760px; margin: 0 auto; height: auto; font-size: 13px; }
.node rect { fill: var(--soft); stroke: var(--line); transition: fill .18s, stroke .18s; }
.node-label { fill: var(--muted); font-weight: 500; transition: fill .18s; }
.node.lit rect { fill: var(--bad); stroke: var(--bad); }
.node.lit[data-state="Running"] rect { fill: var(--good); stroke: var(--good); }
.node.lit[data-state="Paused"] rect, .node.lit[data-state="Pausing"] rect,
.node.lit[data-state="Restarting"] rect { fill: var(--warn); stroke: var(--warn); }
.node.lit .node-label { fill: var(--on-accent); font-weight: 700; }
.edge { fill: none; stroke: color-mix(in srgb, var(--muted) 60%, transparent); stroke-width: 1.5; }
.edge.lit { stroke: var(--text); stroke-width: 2.5; }
.edge.any { stroke-dasharray: 4 4; }
.arrow { fill: color-mix(in srgb, var(--muted) 80%, var(--card)); }
.edge-label { fill: var(--muted); font-size: 11.5px; }
.edge-label, .node-label { text-anchor: middle; }
.edge-label.end { text-anchor: end; }
.scroll { overflow-x: auto; }
.figures { display: grid; grid-template-columns: repeat(4, minmax(0, 1fr)); gap: 12px 24px; margin: 0 0 16px; }
.figures dt { color: var(--muted); font-size: 13px; display: flex; align-items: center; gap: 8px; }
.figures .out dt::before, .figures .in dt::before, .legend i {
  content: ""; width: 10px; height: 10px; border-radius: 3px; background: var(--out); display: inline-block;
}
.figures .in dt::before, .legend .in { background: var(--in); }
.figures dd { margin: 0; font-size: 24px; font-weight: 650; letter-spacing: -.02em; line-height: 1.3; white-space: nowrap; }
.figures .under { font-size: 12.5px; font-weight: 400; color: var(--muted); letter-spacing: 0; white-space: normal; }
.plot { display: block; width: 100%; height: 260px; }
.area.out { fill: color-mix(in srgb, var(--out) 18%, transparent); }
.area.in { fill: color-mix(in srgb, var(--in) 18%, transparent); }
.line { fill: none; stroke-width: 2; stroke-linejoin: round; vector-effect: non-scaling-stroke; }
.line.out { stroke: var(--out); }
.line.in { stroke: var(--in); }
.grid { stroke: var(--line); vector-effect: non-scaling-stroke; }
.axis { stroke: var(--muted); vector-effect: non-scaling-stroke; }
.scale { fill: var(--muted); font-size: 11px; }
.legend { display: flex; align-items: center; gap: 8px; color: var(--muted); font-size: 12.5px; margin-top: 8px; }
.legend .in { margin-left: 14px; }
table { width: 100%; border-collapse: collapse; }
th, td { text-align: left; padding: 7px 10px 7px 0; font-weight: 400; border-bottom: 1px solid var(--line); }
tbody tr:last-child > * { border-bottom: 0; }
thead th { color: var(--muted); font-size: 12.5px; }
tbody th { font-weight: 500; }
.number { text-align: right; padding-right: 0; }
.clients .number { padding-left: 12px; }
.direction { color: var(--muted); }
.bar-cell { width: 42%; }
.bar-frame { display: block; width: 100%; height: 8px; }
.bar { fill: var(--out); }
.bar.in { fill: var(--in); }
.columns { display: block; width: 100%; height: auto; }
.column { fill: var(--out); }
.count { fill: var(--text); font-size: 11px; }
.nothing, .empty { color: var(--muted); margin: 0; }
.foot { margin: 12px 0 0; color: var(--muted); font-size: 12.5px; }
.token { position: fixed; inset: 0; margin: auto; width: 360px; height: max-content; display: grid; gap: 12px; }
.token input {
  padding: 9px 12px; border-radius: 10px; border: 1px solid var(--line); background: var(--page); color: inherit;
  font: 14px var(--mono);
}
@media (max-width: 960px) {
  .layout { grid-template-columns: minmax(0, 1fr); padding: 16px; }
  aside { display: contents; }
  .layout > * { order: 1; }
  aside > .card { order: 2; }
  .top { padding: 12px 16px; flex-wrap: wrap; gap: 4px 14px; position: static; }
  .host { order: 3; flex-basis: 100%; }
  .brand { flex: 1; }
  .figures { grid-template-columns: repeat(2, minmax(0, 1fr)); }
}
@media (max-width: 640px) {
  .details { grid-template-columns: minmax(0, 1fr); }
  .figures dd { font-size: 20px; }
  .head { grid-template-columns: minmax(0, 1fr); }
  .diagram { width: 620px; }
  .clients { white-space: nowrap; }
}
@media (prefers-reduced-motion: reduce) { * { transition: none !important; } }
`;
