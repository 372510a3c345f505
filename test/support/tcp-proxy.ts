import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { trackClient } from "./clients.ts";
import type { Random } from "./random.ts";

/** An unreliable network: forwards TCP to a service, and cuts connections on demand. */
export interface TCPProxy {
  readonly url: string;
  /** The number of open connections. */
  readonly live: number;
  /** The number of connections cut so far, by cause. */
  readonly kills: { readonly random: number; readonly budget: number };
  /** Sets the target of new connections. Open connections keep their target. */
  retarget(url: string): void;
  /** Cuts up to `count` open connections at once, and returns the number of cut ones. */
  cutRandom(count: number): number;
  /** Turns the budgets of new connections on or off. Off also removes the budgets of open connections. */
  useBudgets(on: boolean): void;
  /** Cuts everything and stops listening. */
  close(): Promise<void>;
}

export interface ProxyOptions {
  /** The URL of the service. */
  readonly target: string;
  readonly random: Random;
  /** Bytes from the server after which a new connection is cut. Undefined, the default: no limit. */
  readonly budget?: () => number | undefined;
  /** Share of the cuts that are resets. The others are regular ends. Default 0.5. */
  readonly resets?: number;
  /** Maximum of open connections. Default 1,000. */
  readonly mostConnections?: number;
}

/** A client's connection and the connection to the server. */
interface Link {
  readonly client: Socket;
  readonly server: Socket;
  /** Whether a cut resets the client's connection. */
  readonly isReset: boolean;
  /** Bytes that may still be forwarded from the server. */
  left: number;
  /** Whether forwarding has stopped. The last bytes may still be in transit. */
  isCut: boolean;
}

/** Starts a proxy on a free port of this machine. */
export async function startProxy(options: ProxyOptions): Promise<TCPProxy> {
  const { random, budget = () => undefined, resets = 0.5 } = options;
  const links = new Set<Link>();
  const kills = { random: 0, budget: 0 };
  let target = new URL(options.target);
  let givesBudgets = true;
  const listener = createServer((client) => {
    const server = connect({ host: target.hostname, port: Number(target.port) });
    const left = (givesBudgets ? budget() : undefined) ?? Number.POSITIVE_INFINITY;
    const link: Link = { client, server, left, isReset: random.chance(resets), isCut: false };
    links.add(link);
    join(link, () => {
      kills.budget += 1;
      cutAfterLastByte(link);
    });
    client.on("close", () => links.delete(link));
  });
  listener.maxConnections = options.mostConnections ?? 1000;
  await new Promise<void>((resolve, reject) => {
    listener.once("error", reject).listen(0, "127.0.0.1", resolve);
  });
  const { port } = listener.address() as AddressInfo;
  const close = () =>
    new Promise<void>((resolve) => {
      forget();
      listener.close(() => resolve());
      for (const link of links) destroy(link);
    });
  const forget = trackClient(() => void close());
  return {
    url: `http://127.0.0.1:${port}`,
    get live() {
      return links.size;
    },
    kills,
    retarget: (url) => {
      target = new URL(url);
    },
    cutRandom: (count) => {
      const open = [...links].filter(({ isCut }) => !isCut);
      const chosen = random.sample(open, count);
      for (const link of chosen) cutNow(link);
      kills.random += chosen.length;
      return chosen.length;
    },
    useBudgets: (on) => {
      givesBudgets = on;
      if (!on) for (const link of links) link.left = Number.POSITIVE_INFINITY;
    },
    close,
  };
}

/** Forwards both ways until one side ends or the budget is used up. */
function join(link: Link, onUsedUp: () => void): void {
  const { client, server } = link;
  for (const socket of [client, server]) socket.setNoDelay(true).on("error", () => {});
  client.pipe(server);
  server.on("data", (chunk: Buffer) => {
    if (link.isCut) return;
    const passed = chunk.subarray(0, Math.min(chunk.length, link.left));
    link.left -= passed.length;
    // Stops reading from the server while the client is slow, so that the proxy buffers only what its sockets do.
    if (!client.write(passed)) server.pause();
    if (link.left === 0) onUsedUp();
  });
  client.on("drain", () => server.resume());
  server.on("end", () => {
    if (!link.isCut) client.end();
  });
  server.on("close", (hadError) => {
    if (hadError && !link.isCut) client.destroy();
  });
  client.on("close", () => server.destroy());
}

/**
 * Lets the forwarded bytes arrive, and no more. A reset discards bytes in the kernel's buffers, which happens to clients that are
 * 64 KiB or more behind. The cut therefore waits at least until the kernel has all bytes.
 */
function cutAfterLastByte(link: Link): void {
  const { client, server, isReset } = link;
  link.isCut = true;
  client.unpipe(server);
  server.destroy();
  if (isReset) client.write("", () => client.resetAndDestroy());
  else client.destroySoon();
}

function cutNow(link: Link): void {
  const { client, server, isReset } = link;
  link.isCut = true;
  client.unpipe(server);
  for (const socket of [client, server]) {
    if (isReset) socket.resetAndDestroy();
    else socket.destroy();
  }
}

function destroy({ client, server }: Link): void {
  client.destroy();
  server.destroy();
}
