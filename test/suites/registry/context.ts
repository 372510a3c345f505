import type { PublishReceipt } from "../../../src/log/log.ts";
import { createMessage, type PublishInput } from "../../../src/realtime/message.ts";
import type { ClientInfo, Principal } from "../../../src/realtime/types.ts";
import type { ClientConnection, ClientRegistry } from "../../../src/registry/registry.ts";
import { eventually } from "../../support/deadline.ts";
import { RecordingSink } from "../../support/recording-sink.ts";

/** Opens an empty registry. */
export type OpenRegistry = () => Promise<ClientRegistry> | ClientRegistry;

/** Features that an adapter lacks, each with the reason. */
export interface RegistryFlags {
  /** Why a client counts as connected from `open` on, before `attach`. */
  readonly connectedFromOpen?: string;
  /** Why `topics` may count one topic more than once. */
  readonly topicsPerShard?: string;
  /** Why a message is appended to several logs, so that `accepted` and `duplicate` are not known. */
  readonly severalLogs?: string;
  /** Why the newest messages of a topic are found without a search through pages. */
  readonly findsByTopic?: string;
}

/** A key of every client in a test. A message to it arrives after all messages that were published before. */
const FENCE = "fence";

/** A connected client and its received events. */
export interface TestClient {
  readonly clientId: string;
  readonly connection: ClientConnection;
  readonly sink: RecordingSink;
  /** Event name and data of everything that arrived, without the fences. */
  received(): [event: string | undefined, data: unknown][];
}

/** A registry under test, with helpers. */
export class RegistryUnderTest {
  readonly registry: ClientRegistry;
  #fences = 0;

  constructor(registry: ClientRegistry) {
    this.registry = registry;
  }

  /** Connects a client that is subscribed to `keys` and the fence. */
  async connect(
    keys: readonly string[] = [],
    principal: Principal = {},
    sink: RecordingSink = new RecordingSink(),
  ): Promise<TestClient> {
    const connection = await this.registry.open(principal);
    await connection.attach(sink);
    const client: TestClient = {
      clientId: connection.clientId,
      connection,
      sink,
      received: () =>
        sink.events
          .filter(({ event }) => event !== FENCE)
          .map(({ event, data }) => [event, JSON.parse(data)]),
    };
    await this.subscribe(client, keys, principal);
    return client;
  }

  subscribe(client: TestClient, keys: readonly string[], principal: Principal = {}): Promise<void> {
    return this.registry.setSubscriptions(client.clientId, {
      ...principal,
      subscriptions: [...keys, FENCE],
    });
  }

  async publish(...inputs: readonly PublishInput[]): Promise<readonly PublishReceipt[]> {
    return await this.registry.publish(inputs.map(createMessage));
  }

  /** Waits until everything published so far has arrived at these clients. */
  async settle(...clients: readonly TestClient[]): Promise<void> {
    this.#fences += 1;
    const fence = this.#fences;
    await this.publish({ topic: FENCE, data: fence });
    for (const { clientId, sink } of clients) {
      await eventually(() => sink.data(FENCE).at(-1) === fence, `the fence arrives at ${clientId}`);
    }
  }

  /** The registry's description of a client; undefined when the client is not connected. */
  async find(clientId: string): Promise<ClientInfo | undefined> {
    const { clients } = await this.registry.clients({ limit: 1000 });
    return clients.find((client) => client.clientId === clientId);
  }
}

/** Opens registries for one test and closes them after it. */
export class RegistryOpener {
  readonly #open: OpenRegistry;
  readonly #opened: ClientRegistry[] = [];

  constructor(open: OpenRegistry) {
    this.#open = open;
  }

  async open(): Promise<RegistryUnderTest> {
    const registry = await this.#open();
    this.#opened.push(registry);
    return new RegistryUnderTest(registry);
  }

  async closeAll(): Promise<void> {
    for (const registry of this.#opened.splice(0)) await registry.close();
  }
}
