// Summarizes a list of responses.
import { quantile, round } from '../rig/statistics.mjs';

/** `401 × 10`, or `200 × 8, 503 × 2`; `no answer × 5` where none came in time. */
export function statusesOf(answers) {
  const counts = new Map();
  for (const { status } of answers) counts.set(status, (counts.get(status) ?? 0) + 1);
  return [...counts].map(([status, times]) => (times === 1 ? `${status}` : `${status} × ${times}`)).join(', ');
}

export function all(answers, status) {
  return answers.every((answer) => answer.status === status);
}

export function summarize(answers) {
  const times = answers.map(({ ms }) => ms);
  return {
    statuses: statusesOf(answers),
    medianMs: round(quantile(times, 0.5), 3),
    longestMs: round(Math.max(...times), 3),
  };
}

export function milliseconds(value) {
  if (value === null || !Number.isFinite(value)) return '–';
  if (value >= 1_000) return `${(value / 1_000).toFixed(1)} s`;
  return value < 10 ? `${value.toFixed(1)} ms` : `${Math.round(value)} ms`;
}

export function after(seconds, capSeconds) {
  return seconds === null
    ? `not within ${capSeconds} s`
    : `after ${seconds < 1 ? seconds.toFixed(2) : seconds.toFixed(1)} s`;
}

/** How many fetches reached the key server; refused connections cannot be counted there. */
export function fetched(fault, fetches) {
  return fault === 'down' ? '' : ` (${fetches} ${fetches === 1 ? 'fetch' : 'fetches'})`;
}
