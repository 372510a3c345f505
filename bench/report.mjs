// Turns the results of a run into a Markdown table and an SVG chart.
import { titleOf, WINDOWS } from "./loads.mjs";
import { cell, latency, median, middle, ratio, table, values } from "./statistics.mjs";

/**
 * @param of Returns the results of a server and a number of messages in flight, in the order of the rounds.
 */
export function section(clients, servers, of) {
  const measured = servers.filter(({ name }) => WINDOWS.some((window) => of(name, window).length));
  const rounds = Math.max(0, ...measured.map(({ name }) => of(name, 1).length));
  const rows = measured.map(({ name, title }) => {
    const [one, many] = WINDOWS.map((window) => of(name, window));
    return [
      title,
      cell(one, "cpu_us"),
      ratio(one, of("floor", 1), "cpu_us"),
      cell(many, "cpu_us"),
      ratio(many, of("floor", 16), "cpu_us"),
      latency(one),
      latency(many),
      middle(many, "deliveries_per_s"),
      middle(one, "bytes_per_client", { divisor: 1024, digits: 1 }),
      middle(one, "cpu_us_connect"),
    ];
  });
  const head = [
    ...["server", "one at a time, µs CPU a delivery", "× floor", "16 in flight", "× floor"],
    ...["p50 / p99, ms", "p50 / p99 with 16", "deliveries/s with 16", "KB a connection"],
    "µs CPU a connect",
  ];
  return [
    `### ${clients} clients, 120-byte events, ${rounds} round${rounds === 1 ? "" : "s"}, medians (least to most)`,
    "",
    table(head, rows),
  ].join("\n");
}

export function chart(clients, servers, of) {
  const bars = servers.flatMap(({ name, title }) =>
    WINDOWS.map((window) => ({
      label: `${title.replace(/[*`]/g, "")}, ${titleOf(window)}`,
      value: median(values(of(name, window), "cpu_us")),
      window,
    })).filter(({ value }) => !Number.isNaN(value)),
  );
  const most = Math.max(...bars.map((bar) => bar.value));
  const rows = bars.map((bar, index) => {
    const y = 40 + index * 22;
    const width = (bar.value / most) * 420;
    const fill = bar.window === 1 ? "#3b6ea5" : "#e08e45";
    return `<text x="330" y="${y + 13}" text-anchor="end">${bar.label.replaceAll("&", "&amp;")}</text><rect x="340" y="${y}" width="${width.toFixed(1)}" height="16" fill="${fill}"/><text x="${(346 + width).toFixed(1)}" y="${y + 13}">${bar.value.toFixed(2)}</text>`;
  });
  const height = 60 + bars.length * 22;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 840 ${height}" font-family="sans-serif" font-size="12" role="img" aria-label="CPU per delivery by server"><rect width="840" height="${height}" fill="#fff"/><text x="20" y="24" font-size="15">Server CPU per delivered event, µs, ${clients} clients: less is better</text>${rows.join("")}</svg>\n`;
}
