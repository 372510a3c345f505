import type { API } from "./api.ts";
import type { Dom } from "./dom.ts";

/** The chart of the last minute, and the service's statistics. */
export type Traffic = ReturnType<typeof createTraffic>;

/** One function longer than 50 lines: a part must be self-contained (parts.ts). */
export function createTraffic({ find, create }: Dom, api: API) {
  const SECONDS = 60;
  const STATS = [
    "clients",
    "subscriptions",
    "topics",
    "accepted",
    "delivered",
    "replayed",
    "duplicate",
  ];
  const perSecond: number[] = new Array(SECONDS).fill(0);
  const clients: number[] = new Array(SECONDS).fill(0);
  /** Number of clients in the statistics that were loaded last. 0 until statistics have been loaded with the admin key. */
  let clientCount = 0;
  let isLoading = false;

  /** Each line is scaled by its own maximum. */
  const createLine = (values: readonly number[], className: string): SVGElement => {
    const max = Math.max(1, ...values);
    const points = values.map(
      (value, second) => `${(second * 300) / (SECONDS - 1)},${78 - (value / max) * 74}`,
    );
    const line = document.createElementNS("http://www.w3.org/2000/svg", "polyline");
    line.setAttribute("points", points.join(" "));
    line.setAttribute("class", className);
    return line;
  };

  const draw = (): void => {
    find("#chart").replaceChildren(createLine(perSecond, ""), createLine(clients, "clients"));
    find("#rate").textContent =
      `${perSecond.at(-2) ?? 0} events per second, at most ${Math.max(...perSecond)} in the last minute`;
  };

  const loadStats = async (): Promise<void> => {
    if (!api.hasKey() || api.isKeyRefused() || isLoading) return;
    isLoading = true;
    try {
      // The counts have the schema `Stats` of the OpenAPI document.
      const stats = (await api.request("/stats")) as Record<string, unknown>;
      const cells = STATS.flatMap((name) => [
        create("dt", name),
        create("dd", Number(stats[name]).toLocaleString()),
      ]);
      find("#stats").replaceChildren(...cells);
      clientCount = Number(stats.clients);
    } catch {
      // The key may be a user's token, which can't read the statistics. The line of events in the chart needs no statistics.
      find("#stats").replaceChildren();
    }
    isLoading = false;
  };

  const countEvent = (): void => {
    perSecond[SECONDS - 1] = (perSecond[SECONDS - 1] ?? 0) + 1;
  };

  setInterval(() => {
    draw();
    perSecond.push(0);
    perSecond.shift();
    clients.push(clientCount);
    clients.shift();
  }, 1000);
  setInterval(() => {
    if (!document.hidden) void loadStats();
  }, 2000);
  draw();
  return { countEvent };
}
