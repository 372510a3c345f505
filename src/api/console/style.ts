/** The style of the console and of the API documentation, for light and dark colour schemes. */
export const CONSOLE_STYLE: string = `
:root { --bg: #f6f7f9; --panel: #fff; --text: #1a1d21; --dim: #565e69; --line: #d5d9df; --accent: #0b5cad; --on-accent: #fff; --good: #16794a; --bad: #b3261e; --code: #eef1f5; }
@media (prefers-color-scheme: dark) {
  :root { --bg: #14171b; --panel: #1d2126; --text: #e8eaed; --dim: #a3adb9; --line: #363d46; --accent: #7fb8f5; --on-accent: #10151b; --good: #62c894; --bad: #ff9a91; --code: #262c33; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--bg); color: var(--text); font: 15px/1.45 system-ui, sans-serif; }
header { display: flex; flex-wrap: wrap; gap: 4px 20px; align-items: center; padding: 10px 16px; background: var(--panel); border-bottom: 1px solid var(--line); }
header p { margin: 0; } header nav { margin-left: auto; }
h1 { font-size: 19px; margin: 0; } h2 { font-size: 16px; margin: 0 0 8px; } h3 { font-size: 13px; margin: 8px 0 4px; color: var(--dim); }
a { color: var(--accent); }
main { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 480px), 1fr)); gap: 12px; padding: 12px; max-width: 1300px; margin: 0 auto; }
section { background: var(--panel); border: 1px solid var(--line); border-radius: 8px; padding: 12px; min-width: 0; }
.wide { grid-column: 1 / -1; }
.row { display: flex; flex-wrap: wrap; gap: 8px; align-items: end; margin-bottom: 8px; border: 0; padding: 0; }
.row[hidden] { display: none; }
label { display: block; flex: 1 1 120px; font-size: 13px; color: var(--dim); }
label.inline { flex: 0 0 auto; display: flex; gap: 6px; align-items: center; min-height: 36px; } label.short { flex: 0 1 100px; }
input, select, textarea, button { font: inherit; color: var(--text); background: var(--bg); border: 1px solid var(--line); border-radius: 6px; padding: 6px 8px; min-height: 36px; }
input:not([type=radio], [type=checkbox]), select, textarea { display: block; width: 100%; margin-top: 2px; }
input[type=radio], input[type=checkbox] { min-height: 0; }
textarea { margin-bottom: 8px; }
textarea, code, pre { font-family: ui-monospace, monospace; font-size: 13px; }
button { cursor: pointer; } button:disabled { cursor: default; opacity: .55; }
button.primary { background: var(--accent); border-color: var(--accent); color: var(--on-accent); }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
.dot { display: inline-block; width: 10px; height: 10px; border-radius: 50%; background: var(--dim); }
.open .dot { background: var(--good); } .broken .dot { background: var(--bad); }
.id code { overflow-wrap: anywhere; }
.chips { display: flex; flex-wrap: wrap; gap: 6px; list-style: none; padding: 0; margin: 0; }
.chips li { background: var(--code); border-radius: 14px; padding: 2px 4px 2px 10px; overflow-wrap: anywhere; } .chips button { min-height: 24px; padding: 0 8px; border: 0; background: none; }
#events, #clients, .list { list-style: none; margin: 0; padding: 0; max-height: 420px; overflow: auto; }
#events li, #clients li, .list li { border-top: 1px solid var(--line); padding: 4px 0; }
#events summary { display: flex; flex-wrap: wrap; gap: 2px 12px; }
#events time, #events .cursor { color: var(--dim); font: 12px/1.7 ui-monospace, monospace; } #events .name { font-weight: 600; overflow-wrap: anywhere; } #events .short { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; flex: 1 1 160px; max-width: 100%; }
#counts { margin: 0; min-height: 36px; padding-top: 8px; color: var(--dim); }
pre { background: var(--code); border-radius: 6px; padding: 8px; margin: 0; overflow: auto; white-space: pre-wrap; overflow-wrap: anywhere; }
#chart { width: 100%; height: 80px; background: var(--code); border-radius: 6px; } #chart polyline { fill: none; stroke: var(--accent); stroke-width: 1.5; vector-effect: non-scaling-stroke; } #chart .clients { stroke: var(--dim); stroke-dasharray: 4 3; }
dl { display: grid; grid-template-columns: auto 1fr; gap: 2px 12px; margin: 0; } dt { color: var(--dim); } dd { margin: 0; }
table { border-collapse: collapse; width: 100%; font-size: 13px; } th, td { text-align: left; padding: 2px 8px 2px 0; } th { color: var(--dim); font-weight: 600; } tbody tr { border-top: 1px solid var(--line); }
.error { color: var(--bad); } form .error { margin: 4px 0; } #subscribe details { margin-bottom: 8px; } summary { cursor: pointer; }
#clients p, .list p { margin: 0; overflow-wrap: anywhere; } .list code { overflow-wrap: anywhere; } #clients-note, .note, #rate { color: var(--dim); margin: 6px 0; }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
`;
