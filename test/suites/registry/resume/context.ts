import type { ClientConnection, ConnectRequest } from "../../../../src/registry/registry.ts";
import { eventually } from "../../../support/deadline.ts";
import { RecordingSink } from "../../../support/recording-sink.ts";
import { type OpenRegistry, RegistryOpener, type RegistryUnderTest } from "../context.ts";

/** An open stream. */
export interface Stream {
  readonly connection: ClientConnection;
  readonly clientId: string;
  readonly sink: RecordingSink;
}

/** A registry under test, with streams that resume. */
export class Resumes {
  readonly test: RegistryUnderTest;
  readonly #streams: Stream[] = [];
  #lives = 0;

  constructor(test: RegistryUnderTest) {
    this.test = test;
  }

  async open(request: ConnectRequest = {}, sink = new RecordingSink()): Promise<Stream> {
    const connection = await this.test.registry.open(request);
    await connection.attach(sink);
    const stream = { connection, clientId: connection.clientId, sink };
    this.#streams.push(stream);
    return stream;
  }

  /** Publishes data, one message each, to a topic. */
  async publish(topic: string, ...data: readonly unknown[]): Promise<void> {
    await this.test.publish(...data.map((one) => ({ topic, data: one })));
  }

  subscribe({ clientId }: Stream, subscriptions: readonly string[], more: object = {}) {
    return this.test.registry.setSubscriptions(clientId, { subscriptions, ...more });
  }

  /** Publishes one more message, waits until it has arrived, and returns the events before it. */
  async until(stream: Stream, key = "chat"): Promise<string[]> {
    this.#lives += 1;
    const live = `live ${this.#lives}`;
    await this.publish("chat", live);
    const isLast = () =>
      stream.sink.events.some(({ event, data }) => event === key && data === `"${live}"`);
    await eventually(isLast, `${live} arrives at ${stream.clientId}`);
    return shown(stream).filter((line) => !line.includes("live "));
  }

  /** The stream of a client that has left. Its events have ids to resume from. */
  async past(topics: readonly string[], ...data: readonly unknown[]): Promise<Stream> {
    const stream = await this.open({ topics });
    await this.publish("chat", ...data);
    await eventually(() => stream.sink.data(topics[0]).length >= data.length, "the past arrives");
    stream.connection.close("client");
    return stream;
  }

  letGo(): void {
    for (const { connection, sink } of this.#streams) {
      sink.release();
      connection.close("client");
    }
  }
}

/** Every event so far: its name and data. */
export function shown({ sink }: Stream): string[] {
  return sink.events.map(({ event, data }) => `${event} ${data}`);
}

export function idsOf({ sink }: Stream): string[] {
  return sink.events.map(({ id }) => id ?? "");
}

export function recovered(replayed: number): string {
  return `PB_RESUME {"recovered":true,"replayed":${replayed}}`;
}

export const LOST = 'PB_RESUME {"recovered":false}';

/** Opens registries for one test. Afterwards all held sinks are released. */
export class ResumesOpener {
  readonly #opener: RegistryOpener;
  readonly #opened: Resumes[] = [];

  constructor(open: OpenRegistry) {
    this.#opener = new RegistryOpener(open);
  }

  async open(): Promise<Resumes> {
    const resumes = new Resumes(await this.#opener.open());
    this.#opened.push(resumes);
    return resumes;
  }

  async closeAll(): Promise<void> {
    for (const resumes of this.#opened.splice(0)) resumes.letGo();
    await this.#opener.closeAll();
  }
}
