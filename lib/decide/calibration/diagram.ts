// A reliability diagram as SVG: the share of right answers over the probability that they had.

import { checkString, wrongType } from '../../common/arguments.js';
import type { CalibrationMetrics, ReliabilityBin } from './metrics.js';

const size = 320;
const left = 44;
const top = 28;
const height = top + size + 44;
const width = left + size + 16;

const escapeXml = (text: string): string =>
  text.replace(/[<>&"']/g, (character) => `&#${character.charCodeAt(0)};`);

const number = (value: number): string => String(Math.round(value * 100) / 100);
const x = (value: number): string => number(left + value * size);
const y = (value: number): string => number(top + (1 - value) * size);

function series(
  bins: readonly ReliabilityBin[],
  colour: string,
  name: string,
  row: number,
): string {
  const used = bins.filter(({ count }) => count > 0);
  const total = used.reduce((sum, { count }) => sum + count, 0);
  const points = used.map((bin) => `${x(bin.confidence)},${y(bin.accuracy)}`).join(' ');
  const dots = used.map(({ confidence, accuracy, count }) => {
    const radius = number(3 + 9 * Math.sqrt(count / total));
    const title = `${count} answers: ${number(confidence)} expected, ${number(accuracy)} right`;
    return `<circle cx="${x(confidence)}" cy="${y(accuracy)}" r="${radius}" fill="${colour}" fill-opacity="0.6"><title>${title}</title></circle>`;
  });
  return [
    `<polyline points="${points}" fill="none" stroke="${colour}" stroke-width="1.5"/>`,
    ...dots,
    `<text x="${left + 8}" y="${top + 18 + 16 * row}" fill="${colour}">${name}</text>`,
  ].join('\n');
}

/**
 * A reliability diagram in SVG, before and after calibration. A dot is a bin of answers, its area
 * their number; on the diagonal, probabilities are as often right as they say.
 *
 * @param title default: none
 * @throws TypeError for anything but a report
 */
export function reliabilityDiagram(
  report: { before: CalibrationMetrics; after: CalibrationMetrics },
  title = '',
): string {
  const { before, after } = report ?? {};
  if (!Array.isArray(before?.bins) || !Array.isArray(after?.bins)) {
    throw wrongType('a report of calibrate', 'report', report);
  }
  checkString(title, 'title');
  const ticks = [0, 0.2, 0.4, 0.6, 0.8, 1].flatMap((tick) => [
    `<text x="${x(tick)}" y="${top + size + 16}" text-anchor="middle">${tick}</text>`,
    `<text x="${left - 8}" y="${y(tick)}" dy="4" text-anchor="end">${tick}</text>`,
  ]);
  const legend = (name: string, { ece }: CalibrationMetrics): string =>
    `${name}: error ${ece.toFixed(3)}`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="sans-serif" font-size="11">`,
    `<rect width="${width}" height="${height}" fill="white"/>`,
    `<text x="${left}" y="18" font-size="13">${escapeXml(title)}</text>`,
    `<rect x="${left}" y="${top}" width="${size}" height="${size}" fill="none" stroke="#999"/>`,
    `<line x1="${x(0)}" y1="${y(0)}" x2="${x(1)}" y2="${y(1)}" stroke="#999" stroke-dasharray="4 4"/>`,
    ...ticks,
    `<text x="${x(0.5)}" y="${height - 8}" text-anchor="middle">probability of the answer</text>`,
    series(before.bins, '#c0392b', legend('before', before), 0),
    series(after.bins, '#1f6fb2', legend('after', after), 1),
    '</svg>',
    '',
  ].join('\n');
}
