/** The report's style sheet: light and dark by the reader's setting, and for paper. */
export const REPORT_STYLE = `
:root {
  --paper: #fcfcfa; --card: #ffffff; --ink: #1d2126; --quiet: #626a73; --rule: #e3e4e0; --grid: #ecedea;
  --policy: #0b6e69; --sft: #8a8f98; --mark: #b4541a; --alert: #fff3e8;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #15181b; --card: #1c2024; --ink: #e6e8ea; --quiet: #9aa3ad; --rule: #2e343a; --grid: #282d32;
    --policy: #4fc4b8; --sft: #8e97a3; --mark: #e39a63; --alert: #33261b;
  }
}
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

.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(230px, 1fr)); gap: 14px; }
.tile { padding: 16px 18px; border: 1px solid var(--rule); border-radius: 10px; background: var(--card); font-size: 13.5px; }
.tile .big { margin: 2px 0 0; font-size: 32px; font-weight: 650; line-height: 1.25; letter-spacing: -0.02em; }
.tile svg { display: block; width: 100%; height: 14px; margin: 8px 0; }

table { border-collapse: collapse; }
.result { width: 100%; margin-top: 26px; }
.result caption { caption-side: bottom; padding-top: 10px; text-align: left; }
.result th, .result td { padding: 9px 12px 9px 0; border-bottom: 1px solid var(--rule); text-align: left; vertical-align: middle; }
.result th { font-weight: 500; }
.result th[scope="row"] .quiet { display: block; font-size: 12.5px; font-weight: 400; }
.result thead th { font-size: 13px; font-weight: 600; }
.result .number { line-height: 1.35; white-space: nowrap; }
.result .number .quiet { font-size: 12.5px; }
.result .plot { width: 162px; padding-right: 0; }
.result + .note { margin-top: 6px; }
.intervals { display: block; overflow: visible; }
.intervals line { stroke-width: 2; stroke-linecap: round; }
.intervals .sft line { stroke: var(--sft); } .intervals .sft circle { fill: var(--sft); }
.intervals .policy line { stroke: var(--policy); } .intervals .policy circle { fill: var(--policy); }
.intervals .zero { stroke: var(--quiet); stroke-width: 1; stroke-dasharray: 2 2; }
.key::before { content: ""; display: inline-block; width: 9px; height: 9px; margin-right: 7px; border-radius: 50%; }
.key.sft::before { background: var(--sft); } .key.policy::before { background: var(--policy); }

.prompt { margin: 14px 0; padding: 2px 0 2px 14px; border-left: 3px solid var(--rule); color: var(--quiet);
  white-space: pre-wrap; overflow-wrap: anywhere; }
.example { margin-bottom: 12px; break-inside: avoid; }
.pair { display: grid; grid-template-columns: 1fr 1fr; border: 1px solid var(--rule); border-radius: 10px; background: var(--card); }
.response { min-width: 0; padding: 12px 16px 14px; }
.response + .response { border-left: 1px solid var(--rule); }
.response h3 { display: flex; margin-bottom: 4px; align-items: baseline; }
.response .score { margin-left: auto; color: var(--quiet); font-weight: 400; }
.response p { white-space: pre-wrap; overflow-wrap: anywhere; }

.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(310px, 1fr)); gap: 14px; margin-top: 12px; }
.chart { margin: 0; padding: 12px 14px 8px; border: 1px solid var(--rule); border-radius: 10px; background: var(--card); break-inside: avoid; }
.chart figcaption { display: grid; grid-template-columns: 1fr auto; font-size: 13px; line-height: 1.4; }
.chart figcaption b { font-weight: 600; }
.chart .unit { grid-column: 1 / -1; min-height: 1.4em; color: var(--quiet); font-size: 12px; }
.chart .last { font-weight: 600; color: var(--policy); white-space: nowrap; }
.chart svg { display: block; width: 100%; height: auto; margin-top: 6px; }
.chart .grid { stroke: var(--grid); } .chart .zero { stroke: var(--sft); }
.chart text { fill: var(--quiet); font-size: 10.5px; }
.chart .curve { fill: none; stroke: var(--policy); stroke-width: 1.8; stroke-linejoin: round; stroke-linecap: round; }
.chart .dot { fill: var(--policy); } .chart .target { fill: transparent; }
.chart .point:hover .dot { r: 4px; }
.chart .mark { stroke: var(--mark); stroke-dasharray: 3 3; } .chart .mark-label { fill: var(--mark); }

.settings { columns: 2; column-gap: 36px; }
.record { width: 100%; table-layout: fixed; margin-bottom: 18px; font-size: 13px; break-inside: avoid; }
.record caption { padding-bottom: 2px; color: var(--ink); font-weight: 600; text-align: left; }
.record th { width: 52%; padding: 3px 16px 3px 0; color: var(--quiet); font-weight: 400; text-align: left; vertical-align: top; }
.record td { padding: 3px 0; overflow-wrap: anywhere; white-space: pre-wrap; }
.record tr { border-top: 1px solid var(--grid); }

@media (max-width: 680px) {
  body { padding: 24px 16px 48px; }
  .settings { columns: 1; }
  .result .plot { display: none; }
  .pair { grid-template-columns: 1fr; }
  .response + .response { border-left: 0; border-top: 1px solid var(--rule); }
}
@media print {
  :root { --paper: #fff; --card: #fff; --ink: #000; --quiet: #555; --rule: #ccc; --grid: #e4e4e4; --policy: #0b6e69; --sft: #888; }
  body { max-width: none; padding: 0; font-size: 11px; }
  h2, h3 { break-after: avoid; }
  .charts { grid-template-columns: repeat(3, 1fr); }
  tr, .tile { break-inside: avoid; }
}
`;
