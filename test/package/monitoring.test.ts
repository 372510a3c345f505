/** Checks deploy/alerts.yaml and deploy/grafana.json: their form, their queries, and that the service has what they ask for. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parser } from "@prometheus-io/lezer-promql";
import * as v from "valibot";
import { beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { createServer } from "../../src/api/server.ts";
import { readNodeMetrics } from "../../src/runtimes/node/node-metrics.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const read = (path: string) => readFileSync(`${root}/${path}`, "utf8");

const Sentence = v.pipe(v.string(), v.minLength(30), v.regex(/^[A-Z\d`].*\.$/));

/** https://prometheus.io/docs/prometheus/latest/configuration/alerting_rules/ */
const Rules = v.strictObject({
  groups: v.array(
    v.strictObject({
      name: v.string(),
      rules: v.array(
        v.strictObject({
          alert: v.pipe(v.string(), v.regex(/^Pocketwire[A-Za-z]+$/)),
          expr: v.string(),
          for: v.optional(v.pipe(v.string(), v.regex(/^\d+[mh]$/))),
          labels: v.strictObject({ severity: v.picklist(["critical", "warning"]) }),
          annotations: v.strictObject({
            summary: v.pipe(v.string(), v.minLength(20)),
            description: Sentence,
            runbook_url: v.pipe(v.string(), v.regex(/^docs\/operations\.md#[a-z]+$/)),
          }),
        }),
      ),
    }),
  ),
});
const Dashboard = v.object({
  panels: v.array(
    v.object({
      id: v.number(),
      title: v.string(),
      description: Sentence,
      gridPos: v.object({ x: v.number(), y: v.number(), w: v.number(), h: v.number() }),
      targets: v.array(v.object({ expr: v.string(), legendFormat: v.string() })),
    }),
  ),
});

const alerts = v
  .parse(Rules, parse(read("deploy/alerts.yaml")))
  .groups.flatMap(({ rules }) => rules);
const { panels } = v.parse(Dashboard, JSON.parse(read("deploy/grafana.json")));
/** Grafana puts a duration in place of the variable. */
const queries = panels.flatMap(({ title, targets }) =>
  targets.map(({ expr }) => [title, expr.replaceAll("$__rate_interval", "5m")] as const),
);
const expressions = [...alerts.map(({ alert, expr }) => [alert, expr] as const), ...queries];

/** The selectors of a query: a metric, and the labels that have one fixed value. Throws if the query is not PromQL. */
function selectorsOf(query: string): { metric: string; labels: string[] }[] {
  const selectors: { metric: string; labels: string[] }[] = [];
  parser.parse(query).iterate({
    enter: ({ type, from, to }) => {
      if (type.isError) throw new Error(`Not PromQL at ${from}: ${query}`);
      if (type.name !== "VectorSelector") return;
      const [metric = "", matchers = ""] = query.slice(from, to).split("{");
      selectors.push({ metric: metric.trim(), labels: matchers.match(/\w+="[^"]*"/g) ?? [] });
    },
  });
  return selectors;
}

const version = spawnSync("promtool", ["--version"], { encoding: "utf8" });
const missing = version.error && "promtool is not installed (apt-get install prometheus)";
const leftOut = missing ? ` (skipped: ${missing})` : "";

/** Runs promtool in the root of this repository. Returns its status and what it printed. */
function promtool(args: readonly string[], input = ""): [status: number | null, output: string] {
  const options = { cwd: root, encoding: "utf8", input } as const;
  const { status, stdout, stderr } = spawnSync("promtool", args, options);
  return [status, stdout + stderr];
}

async function readMetrics(): Promise<string> {
  const { app } = createServer({
    metrics: "open",
    runtime: { processMetrics: readNodeMetrics },
  });
  return (await app.request("/metrics")).text();
}

it.skipIf(missing)(`the metrics pass promtool${leftOut}`, async () => {
  expect(promtool(["check", "metrics"], await readMetrics())).toEqual([0, ""]);
});

describe("the queries of the alerts and of the dashboard", () => {
  let samples: string[];
  beforeAll(async () => {
    const text = await readMetrics();
    samples = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  });

  it("are read by a parser that refuses what is not PromQL", () => {
    expect(() => selectorsOf("sum by (job) (rate(up[5m])")).toThrow("Not PromQL");
    expect(selectorsOf('a{b="c",d=~"e"} / on (f) g')).toEqual([
      { metric: "a", labels: ['b="c"'] },
      { metric: "g", labels: [] },
    ]);
  });

  it.each(expressions)("asks for metrics and labels that the service has: %s: %s", (_, query) => {
    const selectors = selectorsOf(query);
    expect(selectors).not.toEqual([]);
    for (const { metric, labels } of selectors) {
      // Prometheus itself makes this metric.
      if (metric === "up") continue;
      const found = samples.filter((line) => /^\w+/.exec(line)?.[0] === metric);
      expect(found, metric).not.toEqual([]);
      for (const label of labels) expect(found.join("\n")).toContain(label);
    }
  });
});

describe("deploy/grafana.json", () => {
  it("has panels with ids of their own, which do not overlap", () => {
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, n) => `${x + (n % w)},${y + Math.floor(n / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
  });
});

describe("deploy/alerts.yaml", () => {
  const names = alerts.map(({ alert }) => alert);

  it("leads each alert to a heading of its own", () => {
    const headings = [...read("docs/operations.md").matchAll(/^### (Pocketwire\w+)$/gm)];
    expect(headings.map(([, name]) => name)).toEqual(names);
    for (const { alert, annotations } of alerts) {
      expect(annotations.runbook_url).toBe(`docs/operations.md#${alert.toLowerCase()}`);
    }
  });

  it("has a test in which each alert fires", () => {
    const cases = read("test/cases/alerts.promtool.yaml");
    const fired = [...cases.matchAll(/(?:alertname="|alertname: )(\w+)/g)].map(([, name]) => name);
    expect([...new Set(fired)].toSorted()).toEqual(names.toSorted());
  });

  it.skipIf(missing).each([
    ["check", "rules", "deploy/alerts.yaml"],
    ["test", "rules", "test/cases/alerts.promtool.yaml"],
  ])(`passes promtool${leftOut}: %s %s %s`, (...args) => {
    const [status, output] = promtool(args);
    expect(output).toContain("SUCCESS");
    expect(status).toBe(0);
  });
});
