import { afterEach, describe, expect, it } from "vitest";
import { ADMIN_KEY, call, postJSON, publish, readStats } from "../support/api.ts";
import { closeClients } from "../support/clients.ts";
import { eventually } from "../support/deadline.ts";
import { countDescriptors, NO_DESCRIPTORS, openConnections } from "../support/descriptors.ts";
import { leftOut } from "../support/flags.ts";
import { openRawStream, type RawClient } from "../support/raw-client.ts";
import { type RuntimeUnderTest, type Service, startService } from "../support/service.ts";
import { bearer, inSeconds, JWT_SECRET, tokenFor } from "../support/tokens.ts";

const KiB = 1024;
const READERS = 5;
/** More than the kernels of both sides buffer. */
const MESSAGES = 200;
/** Milliseconds after which a connection must be closed: the timeout of the final frame, the idle timeout, and slack. */
const DEADLINE = 45_000;

type Reader = RawClient & { readonly clientId: string };

interface End {
  readonly reason: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly headers?: () => Promise<Readonly<Record<string, string>>>;
  /** Ends the stream. Left out when the service ends the stream by itself. */
  readonly end?: (service: Service, reader: Reader) => Promise<unknown>;
}

const ADMIN = bearer(ADMIN_KEY);

const ENDS: readonly End[] = [
  { reason: "slow", env: { REALTIME_MAX_BUFFERED_BYTES: String(256 * KiB) } },
  { reason: "stale", env: { REALTIME_PING_SECONDS: "0.2", REALTIME_STALE_SECONDS: "3" } },
  { reason: "lifetime", env: { REALTIME_MAX_STREAM_WRITES: "30" } },
  {
    reason: "admin",
    end: ({ url }, { clientId }) =>
      call(url, `/api/realtime/clients/${clientId}`, { method: "DELETE", headers: ADMIN }),
  },
  {
    reason: "revoked",
    end: ({ url }, { clientId }) => postJSON(url, "/api/realtime/revoke", { clientId }, ADMIN),
  },
  {
    reason: "expired",
    env: { REALTIME_JWT_SECRET: JWT_SECRET, REALTIME_AUTH_GRACE_SECONDS: "0" },
    headers: async () => bearer(await tokenFor("anna", {}, { exp: inSeconds(10) })),
  },
  { reason: "client", end: async (_, { socket }) => socket.destroy() },
];

/**
 * The connection closes when its stream ends for any reason, even if the client reads nothing. Not on workerd: clients are
 * connected to the proxy of `wrangler dev`, which keeps the connection until its client has read the rest.
 */
export function endsSuite(runtime: RuntimeUnderTest): void {
  describe(`the end of a stream with a client that reads nothing, on ${runtime.name}`, () => {
    afterEach(closeClients);
    for (const end of ENDS) {
      it.skipIf(NO_DESCRIPTORS !== undefined)(
        leftOut(`closes the connection: ${end.reason}`, NO_DESCRIPTORS),
        () => expectConnectionsClosed(runtime, end),
        120_000,
      );
    }

    it.skipIf(NO_DESCRIPTORS !== undefined)(
      leftOut("does not delay the exit of the service: shutdown", NO_DESCRIPTORS),
      () => expectStop(runtime),
      60_000,
    );
  });
}

async function expectStop(runtime: RuntimeUnderTest): Promise<void> {
  const env = {
    REALTIME_MAX_BUFFERED_BYTES: String(64 * KiB * KiB),
    REALTIME_DRAIN_SECONDS: "2",
  };
  const service = await startService(runtime, { env });
  const { url } = service;
  const port = Number(new URL(url).port);
  for (let count = 0; count < READERS; count++) {
    const reader = await openRawStream(url, { query: "?topic=flood" });
    reader.socket.pause();
  }
  for (let sent = 0; sent < MESSAGES; sent++) {
    await publish(url, { topic: "flood", data: "x".repeat(64 * KiB) });
  }
  expect(await readStats(url)).toMatchObject({ clients: READERS });
  expect(await service.stop()).toBe(0);
  expect(openConnections(port).size).toBe(0);
}

async function expectConnectionsClosed(runtime: RuntimeUnderTest, end: End): Promise<void> {
  const env = { REALTIME_MAX_BUFFERED_BYTES: String(64 * KiB * KiB), ...end.env };
  const service = await startService(runtime, { env });
  const { url, process } = service;
  const pid = process.pid ?? 0;
  const port = Number(new URL(url).port);
  await readStats(url);
  const before = countDescriptors(pid);
  const readers: Reader[] = [];
  const headers = await end.headers?.();
  for (let count = 0; count < READERS; count++) {
    const reader = await openRawStream(url, { query: "?topic=flood", headers: { ...headers } });
    reader.socket.pause();
    readers.push(reader);
  }
  const ports = readers.map(({ socket }) => socket.localPort ?? 0);
  for (const one of ports) expect(openConnections(port)).toContain(one);
  const ended = async () => (await readStats(url)).disconnects[end.reason] ?? 0;
  for (let sent = 0; sent < MESSAGES && (await ended()) < READERS; sent++) {
    await publish(url, { topic: "flood", data: "x".repeat(64 * KiB) });
  }
  for (const reader of readers) await end.end?.(service, reader);
  await eventually(
    async () => (await ended()) === READERS,
    `all streams have ended as ${end.reason}`,
  );
  expect(await readStats(url)).toMatchObject({ clients: 0 });
  await eventually(
    () => ports.every((one) => !openConnections(port).has(one)),
    "all their connections are closed",
    DEADLINE,
  );
  // A few connections are those of this test's own requests.
  expect(countDescriptors(pid)).toBeLessThan(before + READERS);
  await service.stop();
}
