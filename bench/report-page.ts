/**
 * A run as one HTML page that needs nothing else: charts of CPU time and throughput, and the figures.
 *
 * @module
 */

import type { Figures } from './measure.js';
import { type Cell, type Results } from './results.js';

const BAR_PIXELS = 420;
const COLOURS = ['#2563eb', '#d97706', '#059669', '#7c3aed'];

const STYLE = `
  body { font: 14px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; color: #1f2937 }
  h2 { margin-top: 2.5rem } table { border-collapse: collapse; width: 100% }
  td, th { padding: .2rem .6rem; text-align: right; border-bottom: 1px solid #e5e7eb }
  td.name, th.name { text-align: left } td.bar { text-align: left; width: ${BAR_PIXELS + 90}px }
  .bar div { display: inline-block; height: .8rem; margin-right: .4rem; vertical-align: middle }`;

export function reportPage(results: Results): string {
  const { date, machine, rounds, targets } = results;
  const legend = targets.map(
    ({ name, version }, index) =>
      `<li><span style="color:${colour(index)}">&#9632;</span> <b>${escape(name)}</b>: ${escape(version)}</li>`,
  );
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>s3ish bench, ${date}</title><style>${STYLE}</style>
<h1>Side by side</h1>
<p>${date}, ${escape(machine)}; medians of ${rounds} rounds, servers in turn.</p>
<ul>${legend.join('\n')}</ul>
${chart(results, 'Server CPU per request, microseconds (less is better)', (figures) => figures.cpuUs)}
${chart(results, 'Requests per second (more is better)', (figures) => figures.perSecond)}
${chart(results, '99th percentile of latency, ms (less is better)', (figures) => figures.p99Ms)}
</html>
`;
}

function chart(results: Results, title: string, pick: (figures: Figures) => number): string {
  const rows = results.cells.flatMap((cell) => bars(cell, results, pick));
  return `<h2>${title}</h2>\n<table>${rows.join('\n')}</table>`;
}

/** Bars of one scenario, as long as they are in proportion to the longest of them. */
function bars(cell: Cell, { targets }: Results, pick: (figures: Figures) => number): string[] {
  const largest = Math.max(...cell.figures.map(pick));
  return cell.figures.map((figures, index) => {
    const width = Math.max(1, Math.round((pick(figures) / largest) * BAR_PIXELS));
    const label = index === 0 ? `${cell.id} ${cell.scenario}, ${cell.connectionCount}` : '';
    return (
      `<tr><td class="name">${escape(label)}</td><td class="name">${escape(targets[index]?.name ?? '')}</td>` +
      `<td class="bar"><div style="width:${width}px;background:${colour(index)}"></div>` +
      `${pick(figures).toLocaleString('en', { maximumFractionDigits: 1 })}</td></tr>`
    );
  });
}

function colour(index: number): string {
  return COLOURS[index % COLOURS.length] ?? '';
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
