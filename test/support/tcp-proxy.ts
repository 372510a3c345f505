import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { trackClient } from "./clients.ts";
import type { Random } from "./random.ts";

/** A network that breaks: forwards TCP to a service, and cuts when it is told to. */
export interface TCPProxy {
  readonly url: string;
  /** Connections open now. */
  readonly live: number;
  /** Connections cut so far, by what cut them. */
  readonly kills: { readonly random: number; readonly budget: number };
  /** Where new connections go. Those that are open stay where they are. */
  retarget(url: string): void;
  /** Cuts so many of the live connections at once, and answers how many it were. */
  cutRandom(count: number): number;
  /** Whether budgets are given out. Turned off, the ones that were given are forgotten. */
  useBudgets(on: boolean): void;
  /** Cuts everything and stops listening. */
  close(): Promise<void>;
}

export interface ProxyOptions {
  /** Where the connections go. */
  readonly target: string;
  readonly random: Random;
  /** Bytes from the server after which a new connection is cut; undefined is no end. Default: no end. */
  readonly budget?: () => number | undefined;
  /** Share of the cuts that are resets; the others are ends. Default 0.5. */
  readonly resets?: number;
  /** More connections than these are refused. Default 1,000. */
  readonly mostConnections?: number;
}

/** One connection and its other half. */
interface Link {
  readonly client: Socket;
  readonly server: Socket;
  /** How its client is cut off. */
  readonly isReset: boolean;
  /** Bytes that may come from the server still. */
  left: number;
  /** Nothing more is forwarded, though the last bytes may be on their way. */
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

/** Forwards both ways until one side ends, or the bytes that may come are used up. */
function join(link: Link, onUsedUp: () => void): void {
  const { client, server } = link;
  for (const socket of [client, server]) socket.setNoDelay(true).on("error", () => {});
  client.pipe(server);
  server.on("data", (chunk: Buffer) => {
    if (link.isCut) return;
    const passed = chunk.subarray(0, Math.min(chunk.length, link.left));
    link.left -= passed.length;
    // Who reads slowly is not read for: nothing is kept here but what the two sockets hold.
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
 * Lets what was forwarded arrive, and no byte more. A reset throws away what the kernel holds because its
 * reader has not made room, some 64 KiB and more behind: so it waits at least until the kernel has all of it.
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
