import { pause } from "../deadline.ts";
import { startFaultyNetwork } from "../faulty-network.ts";
import type { Random } from "../random.ts";
import { startProxy, type TCPProxy } from "../tcp-proxy.ts";

/** The network between the clients and the service: it cuts connections at any byte, and goes dark. */
export interface Network {
  readonly url: string;
  readonly proxy: TCPProxy;
  stall(milliseconds: number): Promise<void>;
  close(): Promise<void>;
}

export async function startNetwork(target: string, random: Random): Promise<Network> {
  const budget = () => (random.chance(0.5) ? undefined : Math.floor(2 ** (7 + 10 * random.next())));
  const proxy = await startProxy({ target, random, budget });
  proxy.useBudgets(false);
  const dark = await startFaultyNetwork(Number(new URL(proxy.url).port));
  return {
    url: dark.url.replace("redis:", "http:"),
    proxy,
    stall: async (milliseconds) => {
      dark.goDark();
      await pause(milliseconds);
      // Half of the time the connections of the dark time stay dead.
      if (random.chance(0.5)) dark.cut();
      dark.goLight();
    },
    close: async () => {
      await dark.close();
      await proxy.close();
    },
  };
}
