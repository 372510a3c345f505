// The cases that the goals need, in groups. The rounds of the cases of a group are interleaved. A group is a function of the
// flags that returns its cases.
import { SERVICE_CASES } from "./filter-cases.mjs";
import { profileHub } from "./hub-share.mjs";
import { clusterLoad, comparisonLoad, titleOf, WINDOWS } from "./loads.mjs";
import { measure } from "./measure.mjs";
import { startRedis } from "./redis-server.mjs";
import { listClusters } from "./servers/clusters.mjs";
import { BARE_HONO, listServers, POCKETWIRE_ON_NODE, WORKERD } from "./servers/index.mjs";

export const GROUPS = {
  "servers-1000": (flags) => compare(1000, flags),
  "servers-10000": (flags) => compare(10_000, flags),
  "no-clients": publishToNoClient,
  cluster,
  workerd,
  filters,
};

function compare(clients, flags) {
  const servers = listServers("floor,nchan,node,bun");
  return WINDOWS.flatMap((window) =>
    servers.map((server) => ({
      name: `${server.name}, ${titleOf(window)}`,
      run: (signal) => measure(server, comparisonLoad(clients, window, flags), signal),
    })),
  );
}

function publishToNoClient({ quick, timeout }) {
  const load = { clients: 0, messages: quick ? 2000 : 20_000, warmup: 5000, ...limit(timeout) };
  const servers = { node: POCKETWIRE_ON_NODE, hono: BARE_HONO };
  return WINDOWS.flatMap((window) =>
    Object.entries(servers).map(([name, server]) => ({
      name: `${name}, ${titleOf(window)}`,
      run: (signal) => measure(server, { ...load, window }, signal),
    })),
  );
}

async function cluster(flags) {
  const redis = await startRedis();
  const servers = listClusters(redis).filter(({ name }) => name.endsWith("-2"));
  return WINDOWS.flatMap((window) =>
    servers.map((server) => ({
      name: `${server.name}, ${titleOf(window)}`,
      async run(signal) {
        await redis.flush();
        return measure(server, clusterLoad(window, flags), signal);
      },
    })),
  );
}

function workerd({ quick, timeout }) {
  const load = { clients: 500, settle: 1000, ...limit(timeout) };
  const deliveries = { ...load, messages: quick ? 50 : 400, warmup: quick ? 20 : 200 };
  const pings = { ...load, messages: 0, idle: quick ? 3000 : 10_000 };
  // The heartbeats of 500 clients, each twice a second.
  const bindings = JSON.stringify({ REALTIME_PING_SECONDS: "0.5" });
  const pinging = { ...WORKERD, env: { BENCH_BINDINGS: bindings } };
  return [
    ...WINDOWS.map((window) => ({
      name: titleOf(window),
      run: (signal) => measure(WORKERD, { ...deliveries, window }, signal),
    })),
    { name: "pings", run: (signal) => measure(pinging, pings, signal) },
    { name: "profile", run: (signal) => profileHub({ ...deliveries, window: 1 }, signal) },
  ];
}

function filters({ quick, timeout }) {
  const messages = quick ? 30 : 300;
  const counts = { messages, warmup: messages, settle: 100, ...limit(timeout) };
  const compared = {
    "no filter": "no filter",
    "no filter, a key as long as with a filter": "no filter and a key as long",
    "10 distinct filters, 100 clients each": "10 filters",
  };
  const cases = SERVICE_CASES.filter(({ name }) => name in compared);
  return WINDOWS.flatMap((window) =>
    cases.map(({ name, load }) => ({
      name: `${compared[name]}, ${titleOf(window)}`,
      run: (signal) => measure(POCKETWIRE_ON_NODE, { ...load, ...counts, window }, signal),
    })),
  );
}

function limit(timeout) {
  return timeout === undefined ? {} : { timeout };
}
