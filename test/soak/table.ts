import type { Sample } from "./judge.ts";

const MOST_ROWS = 20;
const MB = 1024 * 1024;

export const HEAD: string =
  "| minutes | streams opened | messages | RSS, MB | heap, MB | handles | files | loop delay p99, ms |\n|---|---|---|---|---|---|---|---|";

export function row(sample: Sample): string {
  const megabytes = (bytes: number) => (bytes / MB).toFixed(1);
  const cells = [
    (sample.at / 60).toFixed(1),
    sample.connects,
    sample.messages,
    megabytes(sample.rss),
    megabytes(sample.heap),
    sample.handles,
    sample.files,
    sample.delay,
  ];
  return `| ${cells.join(" | ")} |`;
}

/** The table of a run, with up to 20 of its samples. */
export function table(samples: readonly Sample[]): string {
  const step = Math.max(1, (samples.length - 1) / (MOST_ROWS - 1));
  const count = Math.min(samples.length, MOST_ROWS);
  const shown = Array.from({ length: count }, (_, index) => samples[Math.round(index * step)]);
  return [HEAD, ...shown.flatMap((sample) => (sample === undefined ? [] : [row(sample)]))].join(
    "\n",
  );
}
