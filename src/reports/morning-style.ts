/** What the morning report needs beyond the style of every report. */
export const MORNING_STYLE = `
figure.bars{margin:0 0 8px}
figure.bars>svg{display:block;width:100%;height:170px;border-bottom:2px solid var(--soft);background:linear-gradient(var(--panel),var(--panel))}
figure.hours>svg{height:110px}
figure.bars .top{margin:0 0 2px;font-size:.8rem;color:var(--soft)}
figure.bars .ends{display:flex;justify-content:space-between;font-size:.8rem;color:var(--soft)}
figure.bars .marks{display:grid;min-height:1.2em;font-size:.75rem;line-height:1.2em;text-align:center}
figure.bars .marks span{overflow:hidden;min-width:0}
figcaption{display:flex;flex-wrap:wrap;gap:0 16px;margin-top:2px}
.m-unbalanced{color:var(--bad);font-weight:700}
.m-attention{color:var(--warn);font-weight:700}
.m-empty{color:var(--soft)}
.s-file{fill:var(--held)}
.red{color:var(--bad);font-weight:600}
tr.unbalanced>*{background:var(--bad-bg)}
tr.unbalanced>th{box-shadow:inset 5px 0 0 var(--bad)}
.chart .n{white-space:nowrap}
.days th[scope=row]{white-space:nowrap}
@media screen and (max-width:760px){
figure.many .marks{display:none}
figure.bars>svg{height:140px}
tr.empty>td{display:none}
.days th[scope=row]{min-width:0}
tr.unbalanced{background:var(--bad-bg)}
.plain tr{grid-template-columns:1fr max-content}
.plain tr>th{grid-column:1}
.plain.wide3 tr{grid-template-columns:repeat(2,1fr)}
.plain.wide3 tr>th{grid-column:1/-1}
}
@media print{
figure.bars{break-inside:avoid}
figure.bars>svg{height:110px;border:1px solid var(--line);border-bottom:2px solid #000}
}
`.trim();
