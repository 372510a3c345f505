import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A network between a process and Redis that fails on demand. */
export interface FaultyNetwork {
  readonly url: string;
  /** Sets the port of the server for new connections. */
  retarget(port: number): void;
  /** Ends all connections. */
  cut(): void;
  /** Forwards nothing more in either direction, and closes no connection. */
  goDark(): void;
  /** Forwards again what `goDark` has held back. */
  goLight(): void;
  /** Ends the connection of the next request with this text, after the request has reached the server and before its answer. */
  swallowAnswerTo(text: string): void;
  /** Resolves when an answer was swallowed. */
  readonly swallowed: () => number;
  close(): Promise<void>;
}

interface Link {
  readonly client: Socket;
  readonly server: Socket;
}

/** Starts the network. Every connection leads to the given port of this machine. */
export async function startFaultyNetwork(port: number): Promise<FaultyNetwork> {
  const links = new Set<Link>();
  let target = port;
  let isDark = false;
  let swallow: string | undefined;
  let swallowed = 0;
  const listener = createServer((client) => {
    const server = connect(target, "127.0.0.1");
    const link = { client, server };
    let isSwallowing = false;
    links.add(link);
    for (const socket of [client, server]) {
      socket.setNoDelay(true).on("error", () => {});
      if (isDark) socket.pause();
      socket.on("close", () => {
        links.delete(link);
        client.destroy();
        server.destroy();
      });
    }
    client.on("data", (chunk) => {
      if (swallow !== undefined && chunk.toString("latin1").includes(swallow)) {
        swallow = undefined;
        isSwallowing = true;
      }
      server.write(chunk);
    });
    server.on("data", (chunk) => {
      if (!isSwallowing) {
        client.write(chunk);
        return;
      }
      swallowed += 1;
      client.destroy();
    });
  });
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  const each = (run: (socket: Socket) => void) => {
    for (const { client, server } of links) {
      run(client);
      run(server);
    }
  };
  return {
    url: `redis://127.0.0.1:${(listener.address() as AddressInfo).port}`,
    retarget: (other) => {
      target = other;
    },
    cut: () => each((socket) => socket.destroy()),
    goDark: () => {
      isDark = true;
      each((socket) => socket.pause());
    },
    goLight: () => {
      isDark = false;
      each((socket) => socket.resume());
    },
    swallowAnswerTo: (text) => {
      swallow = text;
    },
    swallowed: () => swallowed,
    close: () =>
      new Promise((resolve) => {
        listener.close(() => resolve());
        each((socket) => socket.destroy());
      }),
  };
}
