import type { API } from "./api.ts";
import type { createChart } from "./chart.ts";
import type { Dom } from "./dom.ts";
import type { Key } from "./key.ts";

/** The charts of the last minute, and the service's statistics. */
export type Traffic = ReturnType<typeof createTraffic>;

/** One function longer than 50 lines: a part must be self-contained (parts.ts). */
export function createTraffic(dom: Dom, api: API, key: Key, chartOf: typeof createChart) {
  const { find, create, append, say } = dom;
  /** Milliseconds between two requests for the statistics. */
  const INTERVAL = 2000;
  /** The fields of the schema `Stats` of the OpenAPI document that are shown, in the words of the page. */
  const STATS: Readonly<Record<string, string>> = {
    clients: "clients now",
    subscriptions: "subscriptions now",
    topics: "topics now",
    connects: "clients that connected",
    accepted: "messages accepted",
    duplicate: "duplicates not delivered again",
    delivered: "messages delivered",
    replayed: "messages replayed from the history",
    recovered: "resumes that missed nothing",
    unrecovered: "resumes that missed messages",
    refusedCredentials: "credentials refused",
    queuedBytes: "bytes waiting for clients",
  };
  const received = chartOf(dom, "This page", "events received per second");
  const accepted = chartOf(dom, "Published", "messages per second");
  const delivered = chartOf(dom, "Delivered", "messages per second, counted for each client");
  const clients = chartOf(dom, "Clients", "open streams");
  let events = 0;
  let isLoading = false;

  interface Sample {
    readonly at: number;
    readonly clients: number;
    readonly accepted: number;
    readonly delivered: number;
  }
  let sample: Sample | undefined;
  let rates: { accepted: number; delivered: number } | undefined;

  const showStats = (stats: Readonly<Record<string, unknown>>): void => {
    const cells = Object.entries(STATS).map(([name, words]) => {
      const cell = create("div");
      append(
        cell,
        create("dt", words),
        create("dd", Number(stats[name] ?? 0).toLocaleString("en")),
      );
      return cell;
    });
    find("#stats").replaceChildren(...cells);
    find("#no-stats").hidden = true;
  };

  const forget = (why: string, isError = false): void => {
    sample = undefined;
    rates = undefined;
    find("#stats").replaceChildren();
    find("#no-stats").hidden = false;
    say("#traffic-note", why, isError);
  };

  const takeSample = (stats: Readonly<Record<string, unknown>>): void => {
    const next = {
      at: performance.now(),
      clients: Number(stats.clients),
      accepted: Number(stats.accepted),
      delivered: Number(stats.delivered),
    };
    if (sample !== undefined) {
      const seconds = (next.at - sample.at) / 1000;
      // The counters begin again when the service starts.
      const rate = (name: "accepted" | "delivered"): number =>
        Math.max(0, Math.round((next[name] - (sample?.[name] ?? 0)) / seconds));
      rates = { accepted: rate("accepted"), delivered: rate("delivered") };
    }
    sample = next;
  };

  const loadStats = async (): Promise<void> => {
    if (isLoading) return;
    if (!key.isAdmin()) {
      forget(
        "Enter the admin key above to see the traffic of the service. The first chart needs no key.",
      );
      return;
    }
    isLoading = true;
    try {
      const stats = (await api.request("/stats")) as Record<string, unknown>;
      takeSample(stats);
      showStats(stats);
      const since = new Date(String(stats.startedAt)).toLocaleString();
      const service = `Pocketwire ${stats.version} on ${stats.runtime}`;
      say("#traffic-note", `Counted since ${since}. ${service}.`);
    } catch (error) {
      forget(api.refusalOf(error).message, true);
    }
    isLoading = false;
  };

  setInterval(() => {
    received.push(events);
    events = 0;
    accepted.push(rates?.accepted);
    delivered.push(rates?.delivered);
    clients.push(sample?.clients);
  }, 1000);
  setInterval(() => {
    if (!document.hidden) void loadStats();
  }, INTERVAL);
  key.onChange(() => void loadStats());
  void loadStats();
  return {
    countEvent: (): void => {
      events += 1;
    },
  };
}
