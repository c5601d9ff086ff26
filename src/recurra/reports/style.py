"""The style sheet of every page that is written: light and dark, on a screen or a phone."""

STYLE = """
:root{color-scheme:light dark;--ink:#1c2430;--dim:#667;--paper:#fbfaf7;--card:#fff;--line:#e3e0d8}
@media(prefers-color-scheme:dark){:root{--ink:#e8e6e1;--dim:#9aa;--paper:#15181d;--card:#1d2128;
--line:#333a44}}
body{font:16px/1.55 system-ui,sans-serif;color:var(--ink);background:var(--paper);margin:0 auto;
max-width:62rem;padding:2rem 1.2rem}
h1{font-size:2rem;margin:0;overflow-wrap:anywhere}
h2{margin:.2rem 0}p{max-width:44rem}.dim{color:var(--dim)}
section{background:var(--card);border:1px solid var(--line);border-radius:14px;
padding:1.1rem 1.4rem;margin:1.4rem 0}.types,.row{display:flex;
flex-wrap:wrap;gap:1.1rem;align-items:flex-end}
figure{margin:0;text-align:center;font-size:.82rem}img{image-rendering:pixelated;border-radius:6px;
border:1px solid var(--line)}.right{color:#2e8b57}.wrong{color:#d33}table{border-collapse:collapse}
td,th{padding:.25rem .6rem;white-space:nowrap;font-size:.92rem;
border-bottom:1px solid var(--line);text-align:left}
mark{border-radius:5px;padding:.05rem .3rem;color:#111}mark small{opacity:.65;margin-left:.3rem}
.score{font-size:1.5rem;font-weight:650}.head{display:flex;gap:1.6rem;align-items:center;
flex-wrap:wrap}button{font:inherit;padding:.3rem .9rem;border-radius:8px;
border:1px solid var(--line);cursor:pointer}svg text{fill:currentColor}.wide{overflow-x:auto}
td.long{white-space:normal;overflow-wrap:anywhere;min-width:16rem}
td.number,th.number{text-align:right;font-variant-numeric:tabular-nums}
.case{border-top:1px solid var(--line);padding:.6rem 0;overflow-wrap:anywhere}
.case dl{margin:.2rem 0;display:grid;grid-template-columns:7rem 1fr;gap:.15rem .8rem}
.case dt{color:var(--dim)}.case dd{margin:0;min-width:0;overflow-x:auto}
mark.off{outline:2px solid #d33}svg.fit{max-width:100%;height:auto}
@media(max-width:34rem){body{padding:1rem .5rem}section{padding:.8rem}h1{font-size:1.5rem}
td,th{white-space:normal;padding:.25rem .2rem;font-size:.76rem}td.long{min-width:8rem}
.case dl{grid-template-columns:1fr}}
"""
