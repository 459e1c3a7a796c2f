// Draws docs/assets/cost.svg from bench/results/http.json: what one request with a token that has been seen before costs the
// server's processor, on Fastify with ES256. It takes its colours from the reader's light or dark scheme.
import { mkdirSync, writeFileSync } from 'node:fs';
import { titles } from './contenders/titles.mjs';
import { loadResult } from './rig/results.mjs';
import { median } from './rig/statistics.mjs';

const group = 'fastify-ES256';
/** Reference implementations that are not packages. They are only in the tables of docs/security/performance.md. */
const bounds = ['minimum', 'nobody'];
const width = 760;
const labelWidth = 210;
const valueWidth = 150;
const rowHeight = 34;
const top = 64;

const result = loadResult('http');
const found = result?.byGroup[group];
if (found === undefined) {
  console.error('Nothing to draw yet: npm run bench -- http');
  process.exit(1);
}

/** An open route costs the same in every app, so one figure is used for it: the median of all apps. */
function barsOf(measured) {
  const openUs = median(Object.values(measured).map((one) => one.openUs));
  const guarded = Object.entries(measured)
    .filter(([name]) => !bounds.includes(name))
    .map(([name, { addedUs }]) => ({
      title: titles[name],
      us: openUs + addedUs,
      note: `${addedUs < 0 ? '−' : '+'}${Math.abs(addedUs).toFixed(addedUs < 100 ? 1 : 0)}`,
      kind: name === 'gatehouse' ? 'ours' : 'other',
    }));
  guarded.sort((one, other) => one.us - other.us);
  return [{ title: 'no guard', us: openUs, note: '', kind: 'none' }, ...guarded];
}

function escaped(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}

function barSvg({ title, us, note, kind }, at, longest) {
  const y = top + at * rowHeight;
  const length = Math.max(2, (us / longest) * (width - labelWidth - valueWidth));
  const value = `${us.toFixed(0)} µs${note === '' ? '' : ` (${note})`}`;
  return `  <text class="label ${kind}" x="${labelWidth - 12}" y="${y + 17}">${escaped(title)}</text>
  <rect class="${kind}" x="${labelWidth}" y="${y + 2}" width="${length.toFixed(1)}" height="22" rx="3"/>
  <text class="value" x="${(labelWidth + length + 8).toFixed(1)}" y="${y + 17}">${value}</text>`;
}

function draw(bars, { machine }) {
  const height = top + bars.length * rowHeight + 34;
  const longest = Math.max(...bars.map(({ us }) => us));
  const summary = bars.map(({ title, us }) => `${title} ${us.toFixed(0)}`).join(', ');
  const source = `Node ${machine.node}, NestJS ${machine.versions['@nestjs/core']}, ${machine.date.slice(0, 10)}: npm run bench`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="title description">
  <title id="title">What guarding a route costs</title>
  <desc id="description">CPU microseconds a request on NestJS with Fastify, repeated ES256 tokens: ${escaped(summary)}.</desc>
  <style>
    text { font: 14px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #1f2328; }
    .head { font-size: 16px; font-weight: 600; }
    .small { font-size: 12px; fill: #59636e; }
    .label { text-anchor: end; }
    .label.ours { font-weight: 600; }
    .value { fill: #59636e; }
    rect.ours { fill: #1a7f37; }
    rect.other { fill: #afb8c1; }
    rect.none { fill: #d1d9e0; }
    @media (prefers-color-scheme: dark) {
      text { fill: #e6edf3; }
      .small, .value { fill: #9198a1; }
      rect.ours { fill: #3fb950; }
      rect.other { fill: #545d68; }
      rect.none { fill: #3d444d; }
    }
  </style>
  <text class="head" x="12" y="24">CPU a request, guarded route, a repeated token</text>
  <text class="small" x="12" y="44">NestJS on Fastify, ES256; in brackets what the guard adds to the open route of the same app; less is better</text>
${bars.map((bar, at) => barSvg(bar, at, longest)).join('\n')}
  <text class="small" x="12" y="${height - 12}">${escaped(source)}</text>
</svg>
`;
}

mkdirSync(new URL('../docs/assets/', import.meta.url), { recursive: true });
writeFileSync(new URL('../docs/assets/cost.svg', import.meta.url), draw(barsOf(found), result));
