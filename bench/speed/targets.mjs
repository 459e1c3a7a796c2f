// What is to be reached, and how it is said whether it was.
import { table } from '../rig/table.mjs';

/**
 * @param {number} measured
 * @param {{ most?: number, least?: number, unit?: string, fails?: number }} bound `fails`: beyond that the run fails. It is further
 *   away than what is to be reached, as a machine that is shared has its part in each figure
 */
export function target(what, measured, { most, least, unit = '', fails }) {
  const bound = most === undefined ? `≥ ${least}` : `≤ ${most}`;
  const isWithin = (limit) => (most === undefined ? measured >= limit : measured <= limit);
  const found = {
    what,
    toReach: `${bound}${unit}`,
    measured: `${shown(measured)}${unit}`,
    reached: isWithin(most ?? least),
  };
  return fails === undefined ? found : { ...found, fails, failed: !isWithin(fails) };
}

/** Makes the run fail where a figure is beyond its limit. */
export function failBeyond(targets) {
  for (const { what, measured, fails } of targets.filter(({ failed }) => failed === true)) {
    console.error(`BEYOND the limit of ${fails}: ${what}: ${measured}`);
    process.exitCode = 1;
  }
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
