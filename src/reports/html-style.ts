/** The report's only style sheet. Prints in black on white, follows the reader's dark mode, folds tables on narrow screens. */
export const STYLE = `
:root{color-scheme:light dark;--paper:#fff;--panel:#f5f6f4;--ink:#1b1f1d;--soft:#59625d;--line:#d9ddd9;
--good:#17663a;--good-bg:#e8f4ec;--warn:#8a4b00;--warn-bg:#fdf2dd;--bad:#a8121c;--bad-bg:#fde8e8;
--delivered:#2e8b57;--duplicate:#a9b4ae;--conflict:#d97706;--rejected:#c2313b;--failed:#8554b8;--held:#2c6fb5;--open:#d8b12a}
@media (prefers-color-scheme:dark){:root{--paper:#141816;--panel:#1d2320;--ink:#e8ece9;--soft:#a0aaa4;--line:#343c38;
--good:#7fd6a0;--good-bg:#12301f;--warn:#f2bd6b;--warn-bg:#35260c;--bad:#ff9a9a;--bad-bg:#401316;
--delivered:#3fa56d;--duplicate:#6d7872;--rejected:#e0525c;--failed:#a67bd4;--held:#5a98da}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0 auto;max-width:1180px;padding:24px 20px 64px;background:var(--paper);color:var(--ink);
font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;overflow-wrap:anywhere}
h1{font-size:1.25rem;line-height:1.3;margin:0}
h2{font-size:1.1rem;margin:40px 0 10px}
h3{font-size:1rem;margin:22px 0 6px}
p{margin:0 0 8px}
code,.id{font:.875em/1.4 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
.soft{color:var(--soft)}.small{font-size:.875rem}
header{margin-bottom:18px}
.facts{display:flex;flex-wrap:wrap;gap:2px 20px;margin:4px 0 0;color:var(--soft);font-size:.9rem}
.verdict{border-radius:10px;padding:18px 22px;border-left:10px solid}
.verdict .word{font-size:clamp(1.5rem,5.2vw,2.3rem);line-height:1.15;font-weight:700;margin:0 0 4px}
.verdict .next{font-size:1.1rem;color:var(--ink);margin:0}
.verdict ul{margin:8px 0 0;padding-left:1.2em;color:var(--ink);font-weight:600}
.calm{background:var(--good-bg);color:var(--good);border-color:var(--good)}
.action{background:var(--warn-bg);color:var(--warn);border-color:var(--warn)}
.fault{background:var(--bad-bg);color:var(--bad);border-color:var(--bad)}
.sum{display:grid;grid-template-columns:repeat(auto-fit,minmax(118px,1fr));gap:8px;margin:16px 0 0;padding:0;list-style:none}
.sum li{background:var(--panel);border-radius:8px;padding:8px 12px;border-top:4px solid transparent}
.sum b{display:block;font-size:1.3rem;line-height:1.25;font-variant-numeric:tabular-nums}
.sum span{color:var(--soft);font-size:.85rem}
.sum .none{opacity:.62}
.todo{list-style:none;margin:0;padding:0;display:grid;gap:10px}
.todo li{border:1px solid var(--line);border-left:6px solid var(--soft);border-radius:8px;padding:10px 14px}
.todo .you{border-left-color:var(--warn)}
.todo .sender{border-left-color:var(--rejected)}
.todo b{display:block}
.todo p{margin:2px 0 0}
.hint::before{content:"→ ";color:var(--soft)}
.legend{display:flex;flex-wrap:wrap;gap:2px 16px;margin:0 0 10px;padding:0;list-style:none;font-size:.875rem}
.legend svg{width:12px;height:12px;vertical-align:-1px;margin-right:6px;border-radius:3px}
.chart{display:grid;grid-template-columns:minmax(140px,24%) 1fr 84px;gap:7px 14px;align-items:center;margin:0}
.chart dt{font-size:.9rem;line-height:1.3}
.chart dd{margin:0}
.chart .n{text-align:right;font-size:.9rem;font-variant-numeric:tabular-nums;white-space:nowrap}
.chart svg{display:block;width:100%;height:20px;border-radius:4px;background:var(--panel)}
.s-delivered{fill:var(--delivered)}.s-duplicate{fill:var(--duplicate)}.s-conflict{fill:var(--conflict)}
.s-rejected{fill:var(--rejected)}.s-failed{fill:var(--failed)}.s-held{fill:var(--held)}.s-open{fill:var(--open)}
.t-delivered{border-top-color:var(--delivered)!important}.t-duplicate{border-top-color:var(--duplicate)!important}
.t-conflict{border-top-color:var(--conflict)!important}.t-rejected{border-top-color:var(--rejected)!important}
.t-failed{border-top-color:var(--failed)!important}.t-held{border-top-color:var(--held)!important}
.t-open{border-top-color:var(--open)!important}
table{width:100%;border-collapse:collapse;font-size:.925rem}
caption{text-align:left;color:var(--soft);font-size:.875rem;padding:0 0 6px}
th,td{text-align:left;vertical-align:top;padding:7px 10px;border-bottom:1px solid var(--line)}
th{font-weight:600}
thead th{color:var(--soft);font-weight:500;font-size:.85rem;border-bottom:2px solid var(--line)}
.num{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
th[scope=row]{min-width:8em}
.reasons .outcome,.reasons thead th{white-space:nowrap}
@media screen and (min-width:761px){.reasons .id{overflow-wrap:normal}}
.money .num{white-space:normal}
.money .group th{padding-top:14px;color:var(--soft);border-bottom:0}
td.zero{color:var(--soft);opacity:.7}
tfoot th,tfoot td{border-bottom:0;border-top:2px solid var(--line);font-weight:600}
.badge{display:inline-block;border:1px solid currentColor;border-radius:99px;padding:0 9px;font-size:.8rem;font-weight:600;white-space:nowrap}
.badge.good{color:var(--good)}.badge.warn{color:var(--warn)}.badge.bad{color:var(--bad)}
details{border:1px solid var(--line);border-radius:10px;margin:0 0 12px;padding:0 16px}
summary{cursor:pointer;padding:12px 0;font-weight:600}
summary .badge{margin-left:8px}
details>:last-child{margin-bottom:16px}
dl.about{display:grid;grid-template-columns:max-content 1fr;gap:2px 16px;margin:0 0 10px;font-size:.9rem}
dl.about dt{color:var(--soft)}dl.about dd{margin:0}
.examples{margin:0;padding:0;list-style:none;font-size:.875rem;color:var(--soft)}
.box{border-left:6px solid var(--warn);background:var(--warn-bg);border-radius:6px;padding:10px 14px;margin:0 0 12px}
.box.bad{border-color:var(--bad);background:var(--bad-bg)}
.box p:last-child{margin:0}
footer{margin-top:48px;padding-top:14px;border-top:1px solid var(--line)}
@media screen and (max-width:760px){
body{padding:14px 14px 48px}
.verdict{padding:14px 16px}
.chart{grid-template-columns:1fr max-content;gap:2px 12px}
.chart{grid-auto-flow:dense}
.chart dt{grid-column:1}.chart .n{grid-column:2}
.chart .bar{grid-column:1/-1;margin-bottom:10px}
thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
table,caption,tbody,tfoot{display:block}
tr{display:grid;grid-template-columns:repeat(4,1fr);gap:4px 8px;padding:10px 0;border-bottom:1px solid var(--line)}
tr>*{border:0!important;padding:0}
tr>th,tr>.wide{grid-column:1/-1}
.money tr{grid-template-columns:repeat(2,1fr)}
.reasons tr{grid-template-columns:1fr max-content max-content}
.reasons tr>th{grid-column:1}
.reasons .num{order:1}.reasons .outcome{order:2}.reasons .wide{order:3}
.num{text-align:left;white-space:normal}
td[data-label]::before{content:attr(data-label);display:block;color:var(--soft);font-size:.75rem;font-weight:400}
.money td.none{display:none}
dl.about{grid-template-columns:1fr}dl.about dd{margin-bottom:4px}
.sum{grid-template-columns:repeat(2,1fr)}
}
@media print{
:root{color-scheme:light;--paper:#fff;--panel:#f2f2f2;--ink:#000;--soft:#444;--line:#bbb;--good:#0b4f2a;--warn:#6b3a00;--bad:#900;
--good-bg:#fff;--warn-bg:#fff;--bad-bg:#fff}
html{font-size:12px}body{max-width:none;padding:0;font-size:1rem}
table,thead th,table .small,table .badge,.examples{font-size:9.5px}.money td,.money th{font-size:9px}th,td{padding:4px}
th[scope=row]{min-width:7em}.sum{grid-template-columns:repeat(auto-fit,minmax(72px,1fr))}.sum li{padding:5px 7px}.sum b{font-size:1rem}
.verdict,.box,.todo li{break-inside:avoid-page;border-width:1px;border-left-width:8px;border-style:solid}
svg,.legend svg{print-color-adjust:exact;-webkit-print-color-adjust:exact}
details::details-content{content-visibility:visible;block-size:auto}
h2,h3,summary{break-after:avoid}tr{break-inside:avoid}
}
`.trim();
