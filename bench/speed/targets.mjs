// What is to be reached, and how it is said whether it was.
import { table } from '../rig/table.mjs';

/** @param {number} measured @param {{ most?: number, least?: number }} bound */
export function target(what, measured, { most, least, unit = '' }) {
  const bound = most === undefined ? `≥ ${least}` : `≤ ${most}`;
  const reached = most === undefined ? measured >= least : measured <= most;
  return { what, toReach: `${bound}${unit}`, measured: `${shown(measured)}${unit}`, reached };
}

function shown(value) {
  if (!Number.isFinite(value)) return '–';
  return Math.abs(value) >= 100 ? value.toFixed(0) : value.toFixed(2);
}

export function targetsTable(targets) {
  const words = ({ reached }) => (reached ? 'yes' : 'NO');
  return table(
    ['what', 'to reach', 'measured', 'reached'],
    targets.map((row) => [row.what, row.toReach, row.measured, words(row)]),
  );
}
