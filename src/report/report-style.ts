/** Colours, light and dark by the reader's setting; paper is always light. */
export const PALETTE = `
:root {
  --paper: #fcfcfa; --card: #ffffff; --ink: #1d2126; --quiet: #626a73; --rule: #e3e4e0; --grid: #ecedea;
  --policy: #0b6e69; --sft: #8a8f98; --zero: #b4b8b2; --mark: #a84c16; --alert: #fff3e8; --prefix: #e4efe9;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --paper: #15181b; --card: #1c2024; --ink: #e6e8ea; --quiet: #9aa3ad; --rule: #2e343a; --grid: #282d32;
    --policy: #4fc4b8; --sft: #8e97a3; --zero: #59616a; --mark: #e39a63; --alert: #33261b; --prefix: #21413d;
  }
}
`;

/** The report's style sheet, for screens and for paper. */
export const REPORT_STYLE = `${PALETTE}
* { box-sizing: border-box; }
body {
  margin: 0 auto; max-width: 1080px; padding: 40px 28px 72px; background: var(--paper); color: var(--ink);
  font: 15px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "DejaVu Sans", sans-serif;
  font-variant-numeric: tabular-nums;
}
h1 { margin: 0 0 20px; font-size: 34px; line-height: 1.15; letter-spacing: -0.02em; overflow-wrap: anywhere; }
h2 { margin: 48px 0 14px; font-size: 20px; letter-spacing: -0.01em; }
h3 { margin: 0; font-size: 13px; font-weight: 600; }
h3.stage { margin: 30px 0 4px; font-size: 16px; }
p { margin: 0; }
table { border-collapse: collapse; }
header > .quiet { margin-bottom: 2px; }
.quiet, .note, caption { color: var(--quiet); }
.note, caption { max-width: 78ch; font-size: 13.5px; }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
.facts { display: grid; grid-template-columns: repeat(auto-fill, minmax(190px, 1fr)); gap: 14px 24px; margin: 0;
  padding: 18px 0; border-block: 1px solid var(--rule); }
.facts dt { color: var(--quiet); font-size: 12.5px; }
.facts dd { margin: 0; overflow-wrap: anywhere; }
.problems { margin-top: 28px; padding: 2px 20px 14px; border-left: 3px solid var(--mark); background: var(--alert); }
.problems h2 { margin: 12px 0 4px; font-size: 16px; }
.problems li { overflow-wrap: anywhere; }

a { color: inherit; }
summary { cursor: pointer; }
details { margin-top: 14px; }
.findings { padding: 0; list-style: none; max-width: 86ch; }
.findings li { margin: 4px 0; }
.groups { display: flex; flex-wrap: wrap; gap: 4px 26px; margin: 16px 0 0; padding: 0; list-style: none; }
.key::before { content: ""; display: inline-block; width: 9px; height: 9px; margin-right: 7px; border-radius: 50%; background: var(--own, var(--sft)); }
.scroll { overflow-x: auto; }
.figures { margin-top: 16px; font-size: 13.5px; }
.figures th, .figures td { padding: 6px 0 6px 16px; border-bottom: 1px solid var(--grid); text-align: right; white-space: nowrap; vertical-align: top; }
.figures th { font-weight: 500; } .figures thead th { white-space: normal; vertical-align: bottom; border-bottom-color: var(--rule); }
.figures th:first-child { padding-left: 0; text-align: left; }
.figures .quiet { display: block; font-size: 12px; font-weight: 400; }
.figures .clear td, .figures .clear th { font-weight: 600; }
.figures.tests { font-size: 13px; } .figures.tests th, .figures.tests td { padding: 4px 0 4px 16px; }
.figures.tests th:nth-child(-n + 2), .figures.tests td:nth-child(2) { text-align: left; }
.figures.tests th:first-child { padding-left: 0; } .figures.tests td:nth-child(2) { white-space: normal; }
.figures.texts th, .figures.texts td { text-align: left; } .figures.texts td { white-space: normal; overflow-wrap: anywhere; min-width: 8ch; }
.figures + .note, .scroll + .note { margin-top: 8px; }
mark { padding: 1px 0; border-radius: 2px; background: var(--prefix); color: var(--ink); box-decoration-break: clone; -webkit-box-decoration-break: clone; }
pre { margin: 8px 0 0; padding: 8px 12px; overflow-x: auto; border: 1px solid var(--rule); border-radius: 6px; font-size: 12.5px; white-space: pre-wrap; overflow-wrap: anywhere; }

.prompt { margin: 14px 0; padding: 2px 0 2px 14px; border-left: 3px solid var(--rule); color: var(--quiet);
  white-space: pre-wrap; overflow-wrap: anywhere; }
details.prompt { white-space: normal; } details.prompt blockquote { margin: 8px 0 0; padding: 0; border: 0; }
.example { margin-bottom: 12px; break-inside: avoid; }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(230px, 1fr)); gap: 1px; margin-top: 10px;
  border: 1px solid var(--rule); border-radius: 10px; overflow: hidden; background: var(--card); }
.response { min-width: 0; padding: 12px 16px 14px; box-shadow: 0 0 0 1px var(--rule); font-size: 14px; }
.response h3 { display: flex; margin-bottom: 4px; align-items: baseline; }
.response .score { margin-left: auto; padding-left: 10px; color: var(--quiet); font-weight: 400; }
.response p { white-space: pre-wrap; overflow-wrap: anywhere; } .response p.quiet { margin-top: 6px; font-size: 12.5px; white-space: normal; }

.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(310px, 1fr)); gap: 14px; margin-top: 12px; }
.chart { margin: 0; padding: 12px 14px 8px; border: 1px solid var(--rule); border-radius: 10px; background: var(--card); break-inside: avoid; }
.chart figcaption { display: grid; grid-template-columns: 1fr auto; font-size: 13px; line-height: 1.4; }
.chart figcaption b { font-weight: 600; }
.chart .unit { grid-column: 1 / -1; min-height: 1.4em; color: var(--quiet); font-size: 12px; }
.chart .last { font-weight: 600; color: var(--policy); white-space: nowrap; }
.chart.wide { grid-column: 1 / -1; margin-top: 14px; padding: 14px 18px 12px; }
.chart .plot { margin-top: 6px; }
.plot .target circle:hover { stroke: currentColor; }

.settings { columns: 2; column-gap: 36px; }
.record { width: 100%; table-layout: fixed; margin-bottom: 18px; font-size: 13px; break-inside: avoid; }
.record caption { padding-bottom: 2px; color: var(--ink); font-weight: 600; text-align: left; }
.record th { width: 52%; padding: 3px 16px 3px 0; color: var(--quiet); font-weight: 400; text-align: left; vertical-align: top; }
.record td { padding: 3px 0; overflow-wrap: anywhere; white-space: pre-wrap; }
.record.versions th { width: 26%; }
.record tr { border-top: 1px solid var(--grid); }

@media (max-width: 680px) {
  body { padding: 24px 16px 48px; }
  .settings { columns: 1; }
  .charts, .cards { grid-template-columns: 1fr; }
}
@media print {
  :root { --paper: #fff; --card: #fff; --ink: #000; --quiet: #555; --rule: #ccc; --grid: #e4e4e4; }
  body { max-width: none; padding: 0; font-size: 11px; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  h2, h3, .note { break-after: avoid; }
  .charts { grid-template-columns: repeat(3, 1fr); }
  .scroll { overflow: visible; }
  .figures { font-size: 9.5px; } .figures .quiet { font-size: 8.5px; } .figures th, .figures td { padding-left: 6px; white-space: normal; }
  .response { font-size: 10.5px; }
  tr, figure, .example, .response { break-inside: avoid; }
}
`;
