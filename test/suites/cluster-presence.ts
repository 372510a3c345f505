import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { MembersEvent, PresenceEvent } from "../../src/realtime/presence/presence.ts";
import { foldPresence } from "../../src/registry/cluster/fold-presence.ts";
import { closeClients } from "../support/clients.ts";
import { type Cluster, startCluster } from "../support/cluster.ts";
import { eventually, pause } from "../support/deadline.ts";
import { flatten } from "../support/presence-reports.ts";
import { NO_REDIS, type RedisServer, startRedis } from "../support/redis-server.ts";
import type { RuntimeUnderTest, Service } from "../support/service.ts";
import { openStream, type SSEClient } from "../support/sse-client.ts";
import { bearer, inSeconds, JWT_SECRET, tokenFor } from "../support/tokens.ts";

const TOPIC = "chat/1";
const PRESENCE = `$presence/${TOPIC}`;
/** The default of the grace. */
const GRACE = 5000;

/** A subscriber of a presence topic. */
interface Watcher {
  readonly stream: SSEClient;
  /** The events of the presence topic, in their order. */
  events(): PresenceEvent[];
  /** The members as the subscriber has rebuilt them. Undefined before the first event. */
  members(): MembersEvent | undefined;
}

/** The members of topics over three processes that share a Redis, with processes and data that disappear. */
export function clusterPresenceSuite(runtime: RuntimeUnderTest): void {
  const title = `presence over three processes on ${runtime.name}`;
  describe.skipIf(NO_REDIS)(`${title}${NO_REDIS ? ` (skipped: ${NO_REDIS})` : ""}`, () => {
    let redis: RedisServer;
    let cluster: Cluster;
    let env: Record<string, string>;
    beforeEach(async () => {
      redis = await startRedis();
      env = {
        LOG_LEVEL: "info",
        REALTIME_JWT_SECRET: JWT_SECRET,
        REALTIME_TOPICS: '[{"match":"chat/*","presence":true}]',
      };
      cluster = await startCluster(runtime, { redisURL: redis.url, env });
    }, 60_000);
    afterEach(async () => {
      closeClients();
      for (const { process } of cluster.services) process.kill("SIGCONT");
      await cluster.stop();
      await redis.stop();
    });

    const urlOf = (index: number): string => cluster.services[index]?.url ?? "";
    const join = async (url: string, id: string): Promise<SSEClient> => {
      const headers = bearer(
        await tokenFor(id, { subscribe: ["chat/*"] }, { exp: inSeconds(600) }),
      );
      return openStream(url, { headers }, `?topic=${TOPIC}`);
    };
    const watch = async (url: string): Promise<Watcher> => {
      const headers = bearer(
        await tokenFor("watcher", { subscribe: [PRESENCE] }, { exp: inSeconds(600) }),
      );
      const query = `?topic=${encodeURIComponent(PRESENCE)}`;
      const stream = await openStream(url, { headers }, query);
      const events = () =>
        stream.events
          .filter(({ event }) => event === PRESENCE)
          .map(({ data }) => JSON.parse(data) as PresenceEvent);
      return { stream, events, members: () => rebuild(events()) };
    };
    const watchAll = () => Promise.all(cluster.services.map(({ url }) => watch(url)));
    const idsOf = ({ members }: Watcher) =>
      members()
        ?.members?.map(({ id }) => id)
        .sort();
    const allSee = (watchers: readonly Watcher[], ids: readonly string[], label: string) =>
      eventually(
        () => watchers.every((one) => String(idsOf(one)) === String([...ids].sort())),
        label,
      );
    /** All changes that a watcher has received, without the statements of all members. */
    const changesOf = ({ events }: Watcher) =>
      flatten(events()).filter(({ type }) => type !== "members");

    it("shows the members of every process on every process, each once, and the guests", async () => {
      const watchers = await watchAll();
      const streams = [
        await join(urlOf(0), "ann"),
        await join(urlOf(1), "bob"),
        await join(urlOf(2), "ann"),
      ];
      await openStream(urlOf(1), {}, `?topic=${TOPIC}`);
      await openStream(urlOf(2), {}, `?topic=${TOPIC}`);
      await allSee(watchers, ["ann", "bob"], "all watchers see both members");
      await eventually(
        () => watchers.every(({ members }) => members()?.guests === 2),
        "two guests",
      );
      // The newest subscriber begins with the same members.
      const late = await watch(urlOf(1));
      await allSee([late], ["ann", "bob"], "a late watcher sees both members");
      expect(late.events()[0]).toMatchObject({ type: "members", count: 2, guests: 2 });
      streams[0]?.close();
      streams[1]?.close();
      await allSee([...watchers, late], ["ann"], "bob has left");
      for (const watcher of watchers) {
        const joins = changesOf(watcher).filter(({ type }) => type === "join" || type === "leave");
        const names = joins.map((one) => ("member" in one ? `${one.type} ${one.member.id}` : ""));
        expect(names.sort()).toEqual(["join ann", "join bob", "leave bob"]);
      }
    }, 60_000);

    it("sends no event about a reload at another process", async () => {
      const watchers = await watchAll();
      const before = await join(urlOf(0), "ann");
      await allSee(watchers, ["ann"], "ann is there");
      const told = watchers.map((one) => changesOf(one).length);
      before.close();
      await join(urlOf(1), "ann");
      // The absence of a change is tested, so the time of the grace must pass.
      await pause(GRACE + 2000);
      expect(watchers.map((one) => changesOf(one).length)).toEqual(told);
      await allSee(watchers, ["ann"], "ann is still there");
    }, 60_000);

    it("removes the members of a process that is killed, except a member that has moved", async () => {
      const watchers = [await watch(urlOf(0)), await watch(urlOf(1))];
      await join(urlOf(2), "ann");
      await join(urlOf(2), "bob");
      await openStream(urlOf(2), {}, `?topic=${TOPIC}`);
      await allSee(watchers, ["ann", "bob"], "both are there");
      await cluster.services[2]?.stop("SIGKILL");
      await join(urlOf(0), "bob");
      await allSee(watchers, ["bob"], "ann has left");
      await eventually(() => watchers.every(({ members }) => members()?.guests === 0), "no guest");
      for (const watcher of watchers) {
        const leaves = changesOf(watcher).filter(({ type }) => type === "leave");
        expect(leaves).toMatchObject([{ member: { id: "ann" } }]);
      }
      await eventually(async () => {
        const keys = await redis.command("ZCARD", "{pocketwire}:0:presence:sources");
        return keys.startsWith(":2");
      }, "Redis has forgotten the process");
    }, 60_000);

    it("keeps the members of a process that stops for the grace, so that they can move", async () => {
      const watchers = [await watch(urlOf(0)), await watch(urlOf(1))];
      await join(urlOf(2), "ann");
      await allSee(watchers, ["ann"], "ann is there");
      const told = watchers.map((one) => changesOf(one).length);
      await cluster.services[2]?.stop("SIGTERM");
      await join(urlOf(0), "ann");
      await eventually(async () => {
        const keys = await redis.command("ZCARD", "{pocketwire}:0:presence:sources");
        return keys.startsWith(":2");
      }, "Redis has forgotten the process");
      expect(watchers.map((one) => changesOf(one).length)).toEqual(told);
    }, 60_000);

    it("has all members again after FLUSHALL", async () => {
      const watchers = await watchAll();
      await join(urlOf(0), "ann");
      const bob = await join(urlOf(1), "bob");
      await allSee(watchers, ["ann", "bob"], "both are there");
      await redis.command("FLUSHALL");
      const statements = ({ events }: Watcher) =>
        events().filter(({ type }) => type === "members").length;
      await eventually(() => watchers.every((one) => statements(one) === 2), "all are told again");
      await join(urlOf(2), "eve");
      await allSee(watchers, ["ann", "bob", "eve"], "all see all members");
      bob.close();
      await allSee(watchers, ["ann", "eve"], "bob has left");
      await allSee([await watch(urlOf(2))], ["ann", "eve"], "a late watcher sees the same");
    }, 60_000);

    it("has all members again after a process was suspended for longer than its lease", async () => {
      const watchers = [await watch(urlOf(0)), await watch(urlOf(1))];
      const frozen = await watch(urlOf(2));
      await join(urlOf(2), "ann");
      await join(urlOf(0), "bob");
      await allSee([...watchers, frozen], ["ann", "bob"], "both are there");
      signalOf(cluster.services[2], "SIGSTOP");
      await allSee(watchers, ["bob"], "the process that stands still counts as gone");
      signalOf(cluster.services[2], "SIGCONT");
      await allSee([...watchers, frozen], ["ann", "bob"], "ann is back");
      await join(urlOf(1), "eve");
      await allSee([...watchers, frozen], ["ann", "bob", "eve"], "changes arrive everywhere");
    }, 90_000);

    it("sends no event about a time without Redis", async () => {
      const watchers = await watchAll();
      await join(urlOf(0), "ann");
      await allSee(watchers, ["ann"], "ann is there");
      const told = watchers.map((one) => changesOf(one).length);
      redis.signal("SIGSTOP");
      await pause(2 * GRACE);
      redis.signal("SIGCONT");
      const late = await eventually(
        async () => join(urlOf(1), "bob").catch(() => undefined),
        "bob joins",
      );
      await allSee(watchers, ["ann", "bob"], "bob is there");
      late.close();
      await allSee(watchers, ["ann"], "bob has left");
      const names = watchers.map((one) =>
        changesOf(one).flatMap((change) =>
          "member" in change ? `${change.type} ${change.member.id}` : [],
        ),
      );
      expect(told).toEqual([1, 1, 1]);
      for (const list of names) expect(list).toEqual(["join ann", "join bob", "leave bob"]);
    }, 90_000);
  });
}

/** The members after the events of a stream. Changes may come before the first list, which replaces them. */
function rebuild(events: readonly PresenceEvent[]): MembersEvent | undefined {
  const [first, ...rest] = events.slice(events.findIndex(({ type }) => type === "members"));
  if (first?.type !== "members") return undefined;
  const entries = rest.map((event) => ({
    cursor: "",
    at: 0,
    message: { id: "", topics: [], data: JSON.stringify(event), private: true },
  }));
  return foldPresence(first, entries);
}

function signalOf(service: Service | undefined, signal: NodeJS.Signals): void {
  if (service?.process.pid !== undefined) process.kill(-service.process.pid, signal);
}
