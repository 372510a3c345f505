// What the tables of the benchmarks show: medians, ratios within rounds, and Markdown.
// A run is the result of one case in one round: the fields of sseload, or `failure`, a text.

export function median(values) {
  const sorted = values.toSorted((one, other) => one - other);
  const middle = Math.floor(sorted.length / 2);
  if (sorted.length === 0) return Number.NaN;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** The values of a field in the rounds that did not fail. */
export function values(runs, field) {
  return runs.filter(({ failure }) => failure === undefined).map((run) => run[field]);
}

/** The ratios of a field to that of another case, within each round that neither failed. */
export function ratios(runs, base, field) {
  return runs.flatMap((run, round) => {
    const [value, other] = [run[field], base?.[round]?.[field]];
    return value === undefined || !other ? [] : [value / other];
  });
}

/** The median of the ratios within the rounds. Empty if there is no round to compare. */
export function ratio(runs, base, field) {
  const all = ratios(runs, base, field);
  return all.length === 0 ? "" : median(all).toFixed(2);
}

/** "median (least to most)", or "" without numbers. */
export function spread(numbers, format = (value) => value.toFixed(2)) {
  if (numbers.length === 0) return "";
  return `${format(median(numbers))} (${format(Math.min(...numbers))} to ${format(Math.max(...numbers))})`;
}

/** The spread of a field. If some rounds have failed, the text says how many. If all have failed, the text says why. */
export function cell(runs, field, format) {
  const numbers = values(runs, field);
  if (runs.length > 0 && numbers.length === 0) return runs[0].failure;
  const failed = runs.length - numbers.length;
  return failed === 0
    ? spread(numbers, format)
    : `${spread(numbers, format)}, ${failed} of ${runs.length} rounds failed`;
}

/** The median of a field, divided by `divisor`. "" if every round has failed. */
export function middle(runs, field, { divisor = 1, digits = 0 } = {}) {
  const numbers = values(runs, field);
  if (numbers.length === 0) return "";
  const value = median(numbers) / divisor;
  return digits === 0 ? Math.round(value).toLocaleString("en") : value.toFixed(digits);
}

/** The medians of the p50 and the p99 in milliseconds. */
export function latency(runs) {
  const [p50, p99] = ["p50_us", "p99_us"].map((field) =>
    middle(runs, field, { divisor: 1000, digits: 1 }),
  );
  return p50 === "" ? "" : `${p50} / ${p99}`;
}

/** A Markdown table. */
export function table(head, rows) {
  const lines = [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`);
  return `${lines.join("\n")}\n`;
}
