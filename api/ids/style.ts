/**
 * The one stylesheet of the pages: the colours of the live page, which have the contrast of WCAG 2.2
 * AA (1.4.3: 4.5 to 1) on their paper in light and in dark.
 */
export const lightColours = {
  paper: '#fbfcfd',
  ink: '#17232b',
  faint: '#566873',
  line: '#d3dde3',
  accent: '#0b6a8f',
  good: '#1a7f5a',
  unknown: '#5b6b75',
  suspect: '#a15c00',
  fail: '#b3261e',
} as const;

export const darkColours: Readonly<Record<keyof typeof lightColours, string>> = {
  paper: '#10181d',
  ink: '#e6eef2',
  faint: '#9fb1bb',
  line: '#2c3a43',
  accent: '#62c0e6',
  good: '#5fd0a0',
  unknown: '#9fb1bb',
  suspect: '#f0a94a',
  fail: '#ff8a80',
};

function variables(colours: Readonly<Record<string, string>>): string {
  return Object.entries(colours)
    .map(([name, colour]) => `--${name}:${colour};`)
    .join('');
}

export const style = `:root{${variables(lightColours)}font-family:system-ui,'Noto Sans',sans-serif;color:var(--ink);background:var(--paper);line-height:1.5}
@media (prefers-color-scheme:dark){:root{${variables(darkColours)}}}
*{box-sizing:border-box}
body{margin:0;overflow-wrap:anywhere}
header,main,footer{max-width:60rem;margin-inline:auto;padding:.75rem 1rem}
header{display:flex;flex-wrap:wrap;gap:.25rem 1.25rem;align-items:center;border-bottom:1px solid var(--line)}
header p{margin:0;margin-inline-end:auto;font-weight:600}
header a,footer a,nav a{display:inline-block;padding:.4rem 0}
h1{font-size:1.5rem;margin:.5rem 0 .25rem;line-height:1.25}
h2{font-size:1.15rem;margin:1.75rem 0 .5rem}
.other{color:var(--faint);margin:0 0 1rem}
a{color:var(--accent)}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
.skip{position:absolute;left:-100vw}
.skip:focus{left:.5rem;top:.5rem;background:var(--paper);padding:.5rem;z-index:1}
dl{display:grid;grid-template-columns:minmax(8rem,14rem) 1fr;gap:.35rem 1rem;margin:0}
dt{color:var(--faint)}
dd{margin:0}
ul{padding-inline-start:1.2rem;margin:.25rem 0}
li{padding:.15rem 0}
.scroll{overflow-x:auto;overflow-wrap:normal}
table{border-collapse:collapse;width:100%}
th,td{text-align:start;padding:.4rem .6rem;border-bottom:1px solid var(--line);vertical-align:top}
thead th{color:var(--faint);font-weight:500}
tbody th{font-weight:500}
.value{font-variant-numeric:tabular-nums;white-space:nowrap}
.chip{border:1px solid currentColor;border-radius:1rem;padding:0 .6rem;white-space:nowrap}
.flag1{color:var(--good)}.flag2{color:var(--unknown)}.flag3,.flag9{color:var(--suspect)}.flag4{color:var(--fail)}
.late{color:var(--suspect)}
footer{color:var(--faint);border-top:1px solid var(--line);margin-top:2rem}
@media (max-width:40rem){dl{grid-template-columns:1fr;gap:0}dd{margin-bottom:.6rem}}
`;
