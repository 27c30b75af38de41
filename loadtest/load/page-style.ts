/** How the pages of results look, on screen in light and dark and on paper. */
export const PAGE_STYLE = `
:root { color-scheme: light dark; --ink: #1c2430; --soft: #5b6675; --line: #d9dee5; --paper: #fff; --own: #0b6e4f; --other: #8fa3b8; --bad: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6eaf0; --soft: #9aa6b5; --line: #343c48; --paper: #14181e; --own: #3fbf8f; --other: #5d7186; --bad: #ff8a80; } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h2 { margin-top: 3rem; border-top: 1px solid var(--line); padding-top: 1.5rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 0.875rem; }
th, td { padding: 0.3rem 0.75rem; text-align: right; border-bottom: 1px solid var(--line); vertical-align: bottom; }
th:first-child, td:first-child, th.text, td.text { text-align: left; }
thead th { color: var(--soft); font-weight: 600; }
tr.own { font-weight: 600; }
svg { width: 100%; height: auto; display: block; margin: 1rem 0; }
svg text { font: 13px system-ui, sans-serif; fill: var(--ink); }
.range { stroke: var(--ink); stroke-width: 1.5; }
.bar { fill: var(--other); } .bar.own { fill: var(--own); }
.met { color: var(--own); font-weight: 600; } .missed, .wrong { color: var(--bad); font-weight: 600; }
.soft { color: var(--soft); }
`;
