import { createHash } from 'node:crypto';

/** All that documents look like; allowed by its hash, as nothing else is. */
export const STYLE = `
:root { color-scheme: light dark; --ground: #ffffff; --text: #1b1f24; --faint: #57606a; --line: #d0d7de; --field: #ffffff; --accent: #0b57d0; --on-accent: #ffffff; --warn: #7a4a00; --warn-ground: #fff4d6; --bad: #a40e26; --bad-ground: #ffebe9; }
@media (prefers-color-scheme: dark) { :root { --ground: #14171b; --text: #e6e9ed; --faint: #9aa4af; --line: #3a424b; --field: #1c2127; --accent: #8ab4f8; --on-accent: #0b1a33; --warn: #ffd48a; --warn-ground: #33270d; --bad: #ffb3ab; --bad-ground: #3b1613; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--text); font: 16px/1.5 system-ui, sans-serif; }
header, main { max-width: 44rem; margin: 0 auto; padding: 1rem; }
header { display: flex; flex-wrap: wrap; gap: .25rem 1rem; align-items: baseline; border-bottom: 1px solid var(--line); color: var(--faint); }
header strong { color: var(--text); }
h1 { font-size: 1.5rem; line-height: 1.25; margin: .5rem 0 1rem; }
h2 { font-size: 1.1rem; margin: 1.5rem 0 .5rem; }
p { margin: .5rem 0; }
dl { display: grid; grid-template-columns: minmax(8rem, auto) 1fr; gap: .35rem 1rem; margin: 0; }
dt { color: var(--faint); }
dd { margin: 0; overflow-wrap: anywhere; }
code, pre, .mono { font-family: ui-monospace, monospace; font-size: .9em; overflow-wrap: anywhere; }
pre { white-space: pre-wrap; border: 1px solid var(--line); border-radius: 6px; padding: .5rem; margin: .5rem 0; max-height: 16rem; overflow: auto; }
h3 { font-size: 1rem; margin: .75rem 0 .5rem; }
h3 code { font-weight: 400; }
dt code { font-size: .75em; }
.badge { display: inline-block; border: 1px solid currentColor; border-radius: .6rem; padding: 0 .6rem; font-weight: 600; font-size: .9rem; }
.test { color: var(--warn); background: var(--warn-ground); }
.note { color: var(--faint); }
.warning, .alert { border-left: 4px solid; border-radius: 4px; padding: .5rem .75rem; margin: .75rem 0; }
.warning { color: var(--warn); background: var(--warn-ground); }
.alert { color: var(--bad); background: var(--bad-ground); }
.amount { font-size: 1.25rem; font-weight: 650; }
section.call { border: 1px solid var(--line); border-radius: 6px; padding: .25rem .75rem .75rem; margin: 1rem 0; }
form { margin: 1.5rem 0; border-top: 1px solid var(--line); padding-top: 1rem; }
h1 + form, h1 + p + form, h2 + form, h2 + p + p + form { margin: .5rem 0 2rem; border-top: 0; padding-top: 0; }
fieldset { border: 1px solid var(--line); border-radius: 6px; margin: .75rem 0; }
label { display: block; font-weight: 600; margin-top: .75rem; }
label.choice { font-weight: 400; display: flex; gap: .5rem; align-items: baseline; }
input:not([type=radio]):not([type=checkbox]), textarea { width: 100%; font: inherit; color: inherit; background: var(--field); border: 1px solid var(--faint); border-radius: 6px; padding: .5rem; }
textarea { min-height: 6rem; font-family: ui-monospace, monospace; }
button { font: inherit; font-weight: 600; min-height: 2.75rem; min-width: 8rem; border-radius: 6px; border: 1px solid var(--accent); padding: .4rem 1rem; background: transparent; color: var(--accent); cursor: pointer; }
button.main { background: var(--accent); color: var(--on-accent); }
.buttons { display: flex; flex-wrap: wrap; gap: .75rem; margin-top: 1rem; }
a { color: var(--accent); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
ol.phrase { columns: 3 9rem; padding-left: 2.25rem; font-family: ui-monospace, monospace; font-size: 1.05rem; }
ol.phrase li { padding: .15rem 0; }
@media (max-width: 30rem) { dl { grid-template-columns: 1fr; gap: 0; } dd { margin-bottom: .5rem; } .buttons button { flex: 1 1 100%; } }
`;

export const STYLE_HASH = `'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`;
