// The goals of Pocketwire's performance. Each compares a measured field of one case with a limit, or with the same field of
// another case of the same group (`base`). With a `base`, the limit applies to the ratio of the two. The groups are in
// bench/goal-groups.mjs.
import { titleOf, WINDOWS } from "./loads.mjs";

const LIMITS = {
  node: { floor: { 1: 1.35, 16: 1.6 }, nchan: { 1: 0.95, 16: 0.18 } },
  bun: { floor: { 1: 1.25, 16: 1.35 } },
};
const BASES = { floor: "the floor", nchan: "Nchan", "nchan-2": "Nchan with two workers" };
const RUNTIMES = { node: "Node", bun: "Bun" };
const DELIVERY = { field: "cpu_us", unit: "µs CPU a delivery" };
const KILOBYTES = { field: "bytes_per_client", divisor: 1024, unit: "KB" };

export const GOALS = [
  ...[1000, 10_000].flatMap((clients) => [...deliveryGoals(clients), latencyGoal(clients)]),
  ...["node", "bun"].flatMap(connectionGoals),
  ...Object.entries({ 1: 1, 16: 4 }).map(([window, least]) => ({
    group: "cluster",
    title: `two processes over Redis, ${titleOf(Number(window))}, relative to ${BASES["nchan-2"]}`,
    case: `redis-2, ${titleOf(Number(window))}`,
    base: `nchan-2, ${titleOf(Number(window))}`,
    ...{ field: "deliveries_per_s", unit: "deliveries/s", least },
  })),
  ...WINDOWS.flatMap((window) => [
    { ...publishToNoClient(window, "Node", "node"), most: 60 },
    publishToNoClient(window, "Hono alone", "hono"),
  ]),
  ...WINDOWS.map((window) => ({
    group: "workerd",
    title: `workerd, ${titleOf(window)}`,
    case: titleOf(window),
    ...{ ...DELIVERY, most: 25 },
  })),
  {
    ...{ group: "workerd", title: "workerd, a ping", case: "pings" },
    ...{ field: "cpu_us_idle_line", unit: "µs CPU", most: 60 },
  },
  {
    ...{ group: "workerd", title: "workerd, the hub's share of the time in JavaScript" },
    ...{ case: "profile", field: "hub_percent", unit: "%" },
  },
  ...WINDOWS.flatMap((window) => [
    { ...filtered(window, "no filter"), most: 1.1 },
    filtered(window, "no filter and a key as long"),
  ]),
];

function deliveryGoals(clients) {
  return Object.entries(LIMITS).flatMap(([runtime, bases]) =>
    Object.entries(bases).flatMap(([base, limits]) =>
      WINDOWS.map((window) => ({
        ...compared(clients, window, runtime, base),
        ...{ ...DELIVERY, most: limits[window] },
      })),
    ),
  );
}

function latencyGoal(clients) {
  const goal = compared(clients, 16, "node", "floor");
  const field = { field: "p99_us", divisor: 1000, unit: "ms" };
  return { ...goal, title: `p99 of ${goal.title}`, ...field, most: 1.5 };
}

function compared(clients, window, runtime, base) {
  return {
    group: `servers-${clients}`,
    title: `${RUNTIMES[runtime]}, ${clients.toLocaleString("en")} clients, ${titleOf(window)}, relative to ${BASES[base]}`,
    case: `pocketwire-${runtime}, ${titleOf(window)}`,
    base: `${base}, ${titleOf(window)}`,
  };
}

function publishToNoClient(window, title, server) {
  return {
    group: "no-clients",
    title: `${title}, a publish to no client, ${titleOf(window)}`,
    case: `${server}, ${titleOf(window)}`,
    ...{ field: "cpu_us_message", unit: "µs CPU" },
  };
}

function filtered(window, base) {
  return {
    group: "filters",
    title: `Node, 10 distinct filters, ${titleOf(window)}, relative to ${base}`,
    case: `10 filters, ${titleOf(window)}`,
    base: `${base}, ${titleOf(window)}`,
    ...{ field: "cpu_us_message", unit: "µs CPU a publish" },
  };
}

function connectionGoals(runtime) {
  const of = { group: "servers-10000", case: `pocketwire-${runtime}, ${titleOf(1)}` };
  const title = (what) => `${RUNTIMES[runtime]}, 10,000 clients, ${what}`;
  const [memory, cpu] = { node: [14, 220], bun: [9, 100] }[runtime];
  const connect = { field: "cpu_us_connect", unit: "µs CPU" };
  return [
    { ...of, title: title("memory of an idle connection"), ...KILOBYTES, most: memory },
    { ...of, title: title("a connect"), ...connect, most: cpu },
  ];
}
