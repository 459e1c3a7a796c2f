// Formats tables, for the terminal and for Markdown.

/** A Markdown table with columns of even width. */
export function table(head, rows) {
  const cells = [head, ...rows].map((row) => row.map((cell) => String(cell ?? '–')));
  const widths = head.map((_, column) => Math.max(3, ...cells.map((row) => row[column].length)));
  const line = (row) => `| ${row.map((cell, column) => cell.padEnd(widths[column])).join(' | ')} |`;
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`;
  const [first, ...rest] = cells;
  return [line(first), rule, ...rest.map(line)].join('\n');
}

/** Formats a number with a fixed number of decimals; a dash where there is no number. */
export function fixed(value, digits = 2) {
  return typeof value === 'number' && Number.isFinite(value) ? value.toFixed(digits) : '–';
}

/** Formats a number with thousands separators. */
export function grouped(value) {
  return typeof value === 'number' && Number.isFinite(value) ? Math.round(value).toLocaleString('en') : '–';
}
