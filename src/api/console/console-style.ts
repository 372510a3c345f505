import { THEME } from "./theme.ts";

/** Elements, wherever they are. */
const ELEMENTS = `
* { box-sizing: border-box; } html { scroll-padding-top: 120px; } [hidden] { display: none !important; }
body { margin: 0; background: var(--bg); color: var(--text); font: 14px/1.5 system-ui, sans-serif; }
h1, h2, h3, p, ol, ul, dl, dd, figure { margin: 0; padding: 0; } ol, ul { list-style: none; }
h1 { font-size: 17px; letter-spacing: -.01em; } h2 { font-size: 15px; line-height: 28px; overflow-wrap: anywhere; } h3 { font-size: 13px; color: var(--dim); }
a { color: var(--accent); } code, pre, textarea, time, .cursor { font: 12.5px/1.6 ui-monospace, SFMono-Regular, Menlo, monospace; }
code { overflow-wrap: anywhere; } .dim { color: var(--dim); } .error { color: var(--bad); } p:empty { display: none; }
.note { color: var(--dim); font-size: 13px; } .note.error { color: var(--bad); }
label { display: block; flex: 1 1 130px; min-width: 0; font-size: 13px; color: var(--dim); }
input, select, textarea, button { font: inherit; color: var(--text); border: 1px solid var(--edge); border-radius: 7px; padding: 5px 10px; min-height: 34px; background: var(--field); }
input:not([type=radio], [type=checkbox]), select, textarea { display: block; width: 100%; margin-top: 3px; } ::placeholder { color: var(--dim); opacity: 1; }
input[aria-invalid=true], textarea[aria-invalid=true] { border-color: var(--bad); background: var(--bad-bg); }
input[type=radio], input[type=checkbox] { min-height: 0; margin: 0; width: 15px; height: 15px; accent-color: var(--accent); } textarea { resize: vertical; }
button { cursor: pointer; background: var(--panel); font-weight: 500; white-space: nowrap; } button:hover:not(:disabled) { background: var(--hover); }
button:disabled { cursor: default; color: var(--dim); border-color: var(--line); }
button.primary { background: var(--accent); border-color: var(--accent); color: var(--on-accent); } button.primary:hover { background: var(--accent); filter: brightness(1.08); }
button.danger { color: var(--bad); border-color: var(--bad); } button.quiet { border-color: transparent; color: var(--accent); min-height: 28px; padding: 2px 8px; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; } h2:focus { outline: none; }
pre { background: var(--code); border: 1px solid var(--line); border-radius: 7px; padding: 10px 12px; margin: 0; overflow: auto; white-space: pre-wrap; overflow-wrap: anywhere; }
summary { cursor: pointer; } .hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
table { border-collapse: collapse; width: 100%; font-size: 13px; } th, td { text-align: left; vertical-align: top; padding: 7px 14px 7px 0; overflow-wrap: anywhere; } th { color: var(--dim); font-weight: 600; white-space: nowrap; } tbody tr { border-top: 1px solid var(--line); }
dialog { border: 1px solid var(--line); border-radius: 12px; background: var(--panel); color: var(--text); padding: 20px; max-width: min(420px, 90vw); } dialog::backdrop { background: #0008; } dialog form { display: grid; gap: 12px; }
`;

/** The frame: the header, and how a page arranges its sections. */
const FRAME = `
header { position: sticky; top: 0; z-index: 1; background: var(--panel); border-bottom: 1px solid var(--line); }
.bar { display: flex; align-items: center; gap: 12px 28px; max-width: 1480px; margin: 0 auto; padding: 10px 20px 6px; }
.status p { white-space: nowrap; } .status p:first-child { font-weight: 600; } .status .dim, .status .dim code { font-size: 12px; }
.dot { display: inline-block; width: 9px; height: 9px; border-radius: 50%; background: var(--edge); margin-right: 8px; }
[data-state=open] .dot { background: var(--good); } [data-state=open] #state-text { color: var(--good); }
[data-state=connecting] .dot, [data-state=broken] .dot { background: var(--warn); } [data-state=connecting] #state-text, [data-state=broken] #state-text { color: var(--warn); }
[data-state=lost] .dot, [data-state=refused] .dot { background: var(--bad); } [data-state=lost] #state-text, [data-state=refused] #state-text { color: var(--bad); }
#key-form { margin-left: auto; display: grid; grid-template-columns: auto 260px; gap: 0 10px; align-items: center; } #key-form input { margin: 0; }
#identity { grid-column: 2; font-size: 12px; color: var(--dim); max-width: 260px; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; min-height: 18px; margin-top: 2px; }
#identity[data-kind=admin], #identity[data-kind=user] { color: var(--good); } #identity.error { color: var(--bad); }
.tabs { padding-top: 0; padding-bottom: 0; justify-content: space-between; } .tabs nav { display: flex; gap: 4px; overflow-x: auto; margin-left: -10px; } .tabs .links { gap: 18px; flex: none; }
.tabs a { color: var(--dim); text-decoration: none; padding: 7px 10px; border-bottom: 2px solid transparent; white-space: nowrap; } .tabs .links a { padding: 7px 0; } .tabs a:hover { color: var(--text); }
.tabs a:focus-visible { outline-offset: -2px; } .tabs a[aria-current] { color: var(--text); border-color: var(--accent); }
main { max-width: 1480px; margin: 0 auto; padding: 16px 20px 32px; }
.page { display: grid; gap: 16px; grid-template-columns: minmax(0, 1fr); } .page > div { display: grid; gap: 16px; align-content: start; min-width: 0; grid-template-columns: minmax(0, 1fr); }
section { background: var(--panel); border: 1px solid var(--line); border-radius: 10px; padding: 14px 16px 16px; min-width: 0; display: grid; gap: 10px; align-content: start; grid-template-columns: minmax(0, 1fr); }
form { display: grid; gap: 8px; } section form.row { display: flex; }
.row { display: flex; flex-wrap: wrap; gap: 8px 10px; align-items: end; } label.inline { flex: 0 0 auto; display: flex; gap: 7px; align-items: center; min-height: 34px; } label.short { flex: 0 1 110px; }
.title { display: flex; align-items: center; gap: 12px; min-height: 28px; } .title > :last-child:not(.note) { margin-left: auto; } .title > .quiet { margin-right: -8px; }
.scroll { overflow: auto; } .empty { color: var(--dim); padding: 20px 12px; text-align: center; text-wrap: balance; }
.list > li { border-top: 1px solid var(--line); padding: 7px 2px; overflow-wrap: anywhere; } .list.scroll { max-height: 60vh; } .list:empty { display: none; }
`;

/** What single pages contain. */
const CONTENT = `
.steps { display: grid; gap: 8px 24px; counter-reset: step; } .steps li { counter-increment: step; position: relative; padding-left: 32px; color: var(--dim); }
.steps li::before { content: counter(step); position: absolute; left: 0; top: 0; width: 22px; height: 22px; border-radius: 50%; border: 1px solid var(--edge); font: 600 12px/20px system-ui, sans-serif; text-align: center; }
.steps strong { color: var(--text); } .steps .done::before { content: "✓"; background: var(--good); border-color: var(--good); color: var(--panel); }
.switch { border: 0; padding: 0; margin: 0; display: flex; flex-wrap: wrap; gap: 4px 18px; } .switch label { display: flex; flex: none; gap: 7px; align-items: center; color: var(--text); min-height: 28px; }
#subscribe details { display: grid; } #subscribe details label { margin-top: 8px; } #subscribe summary { color: var(--accent); font-size: 13px; width: fit-content; }
.chips { display: flex; flex-wrap: wrap; gap: 6px; } .chips:empty { display: none; } #no-subscriptions { line-height: 30px; } .chips li { display: flex; align-items: center; gap: 6px; background: var(--hover); border: 1px solid var(--line); border-radius: 14px; padding: 1px 2px 1px 11px; overflow-wrap: anywhere; min-width: 0; } .chips span { font-weight: 500; } .chips code { color: var(--dim); font-size: 11.5px; } .chips .pending { border-style: dashed; }
.chips button { min-height: 26px; min-width: 26px; padding: 0; border: 0; border-radius: 50%; background: none; color: var(--dim); font-size: 16px; line-height: 1; }
#answer { min-height: 20px; } #answer:empty { display: block; } #answer, #subscribe .error, #publish .error { overflow-wrap: anywhere; }
.stack { display: grid; grid-template-columns: minmax(0, 1fr); } .stack > * { grid-area: 1 / 1; } .stack .empty { align-self: center; }
#events { height: clamp(300px, 100vh - 470px, 900px); border-top: 1px solid var(--line); } #events > li { border-bottom: 1px solid var(--line); }
#events summary { display: grid; grid-template-columns: 92px 68px minmax(90px, 150px) minmax(0, 1fr) auto; gap: 0 12px; align-items: baseline; padding: 5px 4px; list-style: none; } #events summary::-webkit-details-marker { display: none; } #events summary:hover { background: var(--hover); } #events summary:focus-visible { outline-offset: -2px; }
#events time, .cursor, #history time { color: var(--dim); font-size: 12px; } .name { font-weight: 600; overflow-wrap: anywhere; } .preview { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; font: 12.5px/1.6 ui-monospace, SFMono-Regular, Menlo, monospace; } .cursor { max-width: 124px; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.kind { font-size: 12px; color: var(--dim); } [data-kind=create] .kind { color: var(--good); } [data-kind=update] .kind { color: var(--accent); } [data-kind=delete] .kind, [data-kind=leave] .kind { color: var(--bad); } [data-kind=presence] .kind { color: var(--violet); } [data-kind=service] .name, [data-kind=service] .preview { color: var(--dim); font-weight: 400; }
details[open] > summary { margin-bottom: 4px; } #events details[open], #history details[open] { padding-bottom: 12px; } #events details > :not(summary) { margin-inline: 4px; } #events details > .quiet { margin: 4px 0 0 -4px; }
.facts { display: grid; grid-template-columns: auto minmax(0, 1fr); gap: 2px 16px; margin-bottom: 8px; font-size: 13px; } .facts dt { color: var(--dim); } .facts dd { overflow-wrap: anywhere; }
#history summary { display: grid; grid-template-columns: auto minmax(0, 1fr); gap: 12px; }
.row-button { border: 0; background: none; padding: 0 4px 0 0; min-height: 26px; color: var(--accent); font-weight: 600; text-align: left; white-space: normal; overflow-wrap: anywhere; } #topics li { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 2px 16px; align-items: baseline; }
.pair { display: grid; gap: 12px; } .pair > div { min-width: 0; } .pair pre { white-space: pre; } .actions { white-space: nowrap; } .actions button { min-height: 28px; padding: 1px 8px; margin-right: 6px; } #clients code { font-size: 12px; } .narrow { max-width: 420px; }
.charts { display: grid; gap: 20px 28px; grid-template-columns: repeat(auto-fit, minmax(min(100%, 420px), 1fr)); } figure { display: grid; grid-template-columns: 36px minmax(0, 1fr); gap: 4px 8px; } figcaption { grid-column: 1 / -1; display: flex; gap: 8px; align-items: baseline; } .now { margin-left: auto; font-weight: 600; font-variant-numeric: tabular-nums; }
.scale { display: flex; flex-direction: column; justify-content: space-between; text-align: right; } .times { grid-column: 2; display: flex; justify-content: space-between; } .scale, .times { font-size: 12px; line-height: 1; color: var(--dim); font-variant-numeric: tabular-nums; }
svg { width: 100%; height: 96px; background: var(--code); border-radius: 4px; } svg line { stroke: var(--line); vector-effect: non-scaling-stroke; } polyline { fill: none; stroke: var(--accent); stroke-width: 2; stroke-linejoin: round; vector-effect: non-scaling-stroke; }
.stats { display: grid; gap: 14px 20px; grid-template-columns: repeat(auto-fill, minmax(140px, 1fr)); } .stats:empty { display: none; } .stats div { display: flex; flex-direction: column-reverse; justify-content: flex-end; } .stats dd { font-size: 20px; font-weight: 600; font-variant-numeric: tabular-nums; } .stats dt { color: var(--dim); font-size: 13px; } #made, #topic-panel, #members-panel { display: grid; gap: 10px; grid-template-columns: minmax(0, 1fr); }
`;

/** Wide windows get columns; narrow ones, such as a phone's, get rows. */
const WIDTHS = `
@media (min-width: 960px) { .live { grid-template-columns: 390px minmax(0, 1fr); } .halves { grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); } .wide { grid-column: 1 / -1; } .steps { grid-template-columns: repeat(3, 1fr); } }
@media (max-width: 760px) {
  header { position: relative; } .bar { flex-wrap: wrap; padding-inline: 14px; } main { padding: 12px 10px 32px; }
  #key-form { margin: 0; width: 100%; grid-template-columns: minmax(0, 1fr); } #identity { grid-column: 1; max-width: none; } .tabs nav { margin-left: -7px; max-width: 100%; } .tabs .links { margin-left: 0; }
  .status .dim { overflow: hidden; text-overflow: ellipsis; max-width: 40vw; } .tabs .links { position: absolute; top: 12px; right: 14px; } .tabs .links a { padding: 0; } .row > label:has([type=search]) { flex-basis: 100%; } .tabs nav a { font-size: 13px; padding-inline: 7px; } .tabs nav { gap: 2px; }
  #events { height: 420px; } #events summary { grid-template-columns: auto auto minmax(0, 1fr); } #events .preview { grid-column: 1 / -1; } #events .cursor { display: none; } #clients thead { display: none; } #clients tr { display: grid; padding: 8px 0; } #clients td { padding: 1px 0; } #clients td::before { content: attr(data-label) " "; color: var(--dim); } #clients .actions { padding-top: 6px; } #clients .actions::before { content: none; }
}
`;

/** The style of the console, for light and dark colour schemes. */
export const CONSOLE_STYLE: string = [THEME, ELEMENTS, FRAME, CONTENT, WIDTHS]
  .join("")
  .replaceAll(/\s*([{};])\s*/g, "$1")
  .replaceAll(": ", ":");
