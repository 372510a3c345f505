// Turns the results of a run into a Markdown table and an SVG chart.
import { median as middle } from "./measure.mjs";

export function report({ results, servers, machine }) {
  const groups = new Map();
  for (const result of results) {
    const key = `${result.clients}/${result.window}/${result.server}`;
    groups.set(key, [...(groups.get(key) ?? []), result]);
  }
  const of = (clients, window, server) => groups.get(`${clients}/${window}/${server}`) ?? [];
  const sections = [];
  for (const clients of new Set(results.map((result) => result.clients))) {
    sections.push(section(clients, servers, (window, server) => of(clients, window, server)));
  }
  const [clients] = results.map((result) => result.clients);
  return {
    table: `${machine}\n\n${sections.join("\n")}`,
    chart: draw(
      servers,
      (window, server) => median(of(clients, window, server), "cpu_us"),
      clients,
    ),
  };
}

function section(clients, servers, of) {
  const rounds = of(1, servers[0].name).length;
  const head = [
    `### ${clients} clients, 120-byte events, ${rounds} rounds, medians (least to most)`,
    "",
    "| server | one at a time, µs CPU a delivery | × floor | 16 in flight | × floor | p50 / p99, ms | p50 / p99 with 16 | deliveries/s with 16 | KB a connection | µs CPU a connect |",
    "|---|---|---|---|---|---|---|---|---|---|",
  ];
  const floor = (window) => median(of(window, "floor"), "cpu_us");
  const measured = servers.filter(({ name }) => of(1, name).length > 0);
  const rows = measured.map(({ name, title }) => {
    const [one, many] = [of(1, name), of(16, name)];
    const ratio = (runs, window) =>
      floor(window) ? (median(runs, "cpu_us") / floor(window)).toFixed(2) : "";
    return [
      title,
      spread(one, "cpu_us"),
      ratio(one, 1),
      spread(many, "cpu_us"),
      ratio(many, 16),
      latency(one),
      latency(many),
      Math.round(median(many, "deliveries_per_s")).toLocaleString("en"),
      (median(one, "bytes_per_client") / 1024).toFixed(1),
      Math.round(median(one, "cpu_us_connect")),
    ].join(" | ");
  });
  return [...head, ...rows.map((row) => `| ${row} |`), ""].join("\n");
}

function median(runs, field) {
  return middle(runs.map((run) => run[field]));
}

function spread(runs, field) {
  const values = runs.map((run) => run[field]);
  const [least, most] = [Math.min(...values), Math.max(...values)];
  return `${median(runs, field).toFixed(2)} (${least.toFixed(2)} to ${most.toFixed(2)})`;
}

function latency(runs) {
  return ["p50_us", "p99_us"].map((field) => (median(runs, field) / 1000).toFixed(1)).join(" / ");
}

function draw(servers, value, clients) {
  const measured = servers.filter(({ name }) => !Number.isNaN(value(1, name)));
  const bars = measured.flatMap(({ name, title }) =>
    [1, 16].map((window) => ({
      label: `${title.replace(/[*`]/g, "")}, ${window === 1 ? "one at a time" : "16 in flight"}`,
      value: value(window, name),
      window,
    })),
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
