import { THEME } from "./theme.ts";

/** The style of the page of the HTTP API. */
export const DOCS_STYLE: string = `${THEME}
* { box-sizing: border-box; }
html { scroll-padding-top: 16px; }
body { margin: 0; background: var(--bg); color: var(--text); font: 15px/1.5 system-ui, sans-serif; }
header { display: flex; flex-wrap: wrap; gap: 4px 20px; align-items: center; padding: 10px 16px; background: var(--panel); border-bottom: 1px solid var(--line); }
header nav { margin-left: auto; display: flex; gap: 16px; }
h1 { font-size: 19px; margin: 0; } #version { color: var(--dim); font-weight: 400; font-size: 15px; }
h2 { font-size: 20px; margin: 32px 0 8px; } h3 { font-size: 16px; margin: 0 0 8px; display: flex; flex-wrap: wrap; gap: 4px 8px; align-items: center; } h4 { font-size: 13px; margin: 16px 0 6px; color: var(--dim); text-transform: uppercase; letter-spacing: .04em; }
p { margin: 0 0 8px; } a { color: var(--accent); }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; } main:focus { outline: none; }
.skip { position: absolute; left: -9999px; } .skip:focus { left: 8px; top: 8px; background: var(--panel); padding: 8px; z-index: 1; }
.columns { max-width: 1200px; margin: 0 auto; padding: 0 16px 48px; }
main { min-width: 0; } #intro { margin-top: 20px; }
#contents h2 { font-size: 13px; margin: 16px 0 4px; color: var(--dim); text-transform: uppercase; letter-spacing: .04em; } #contents ul { list-style: none; margin: 0; padding: 0; }
#contents a { display: flex; gap: 8px; align-items: baseline; padding: 5px 6px; border-radius: 6px; color: var(--text); text-decoration: none; font-size: 14px; overflow-wrap: anywhere; }
#contents a:hover, #contents a[aria-current] { background: var(--code); }
#navigation { margin-top: 12px; background: var(--panel); border: 1px solid var(--line); border-radius: 8px; padding: 8px 12px; } #navigation summary { cursor: pointer; font-weight: 600; padding: 4px 0; }
@media (min-width: 900px) {
  .columns { display: grid; grid-template-columns: 250px minmax(0, 1fr); gap: 28px; align-items: start; }
  .columns > nav { position: sticky; top: 0; max-height: 100vh; overflow: auto; padding-bottom: 16px; }
  #navigation { border: 0; background: none; padding: 0; margin-top: 20px; }
}
section { background: var(--panel); border: 1px solid var(--line); border-radius: 8px; padding: 16px; margin: 12px 0; }
section:target { border-color: var(--accent); }
.method { font: 700 12px/1.6 ui-monospace, monospace; min-width: 3.4em; color: var(--accent); } .method.post { color: var(--good); } .method.delete { color: var(--bad); } #contents .method { font-size: 11px; flex: none; width: 4em; }
code, pre { font-family: ui-monospace, monospace; font-size: 13px; overflow-wrap: anywhere; } p code, li > p code, summary code { background: var(--code); border-radius: 4px; padding: 1px 4px; }
h3 code { font-size: 15px; overflow-wrap: anywhere; } .anchor { text-decoration: none; color: var(--dim); padding: 0 6px; }
.summary { font-size: 16px; font-weight: 600; } .note, .type { color: var(--dim); }
pre { background: var(--code); border-radius: 6px; padding: 10px; margin: 4px 0 8px; overflow: auto; max-height: 400px; white-space: pre-wrap; overflow-wrap: anywhere; }
.fields { list-style: none; margin: 0 0 8px; padding: 0; } .fields .fields { margin: 6px 0 0; padding-left: 14px; border-left: 2px solid var(--line); }
.fields > li { padding: 7px 0; border-top: 1px solid var(--line); } .fields > li:first-child { border-top: 0; } .fields p { margin: 2px 0 0; }
.name { font-weight: 700; overflow-wrap: anywhere; } .fields .type, .fields .note { margin-left: 8px; font-size: 13px; overflow-wrap: anywhere; } .fields .note { font-weight: 600; }
.response { border-top: 1px solid var(--line); padding: 8px 0; } .response > summary { cursor: pointer; } .response > summary > code { margin-right: 8px; font-weight: 700; } .response > :not(summary) { margin-top: 8px; }
`;
