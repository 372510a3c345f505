/** One topic of a service, for a publisher: the same calls for a service in this process and for a client of a service. */
import type { EndMessage, PartsMessage, StopMessage } from "./messages.ts";

/** A message to a topic. */
interface Publication {
  readonly topic: string;
  readonly data: unknown;
  readonly id?: string;
  readonly private?: boolean;
}

/** What `createServer`, `startServer` and `getRealtime` return. */
export interface AnswerServer {
  publish(message: Publication): Promise<unknown>;
  readonly registry: {
    history(
      request: {
        readonly topics: readonly string[];
        readonly after?: string;
        readonly limit: number;
      },
      reader: { readonly rights: readonly string[] },
    ): Promise<{
      readonly messages: readonly { readonly message: { readonly data: string } }[];
      readonly cursor: string;
    }>;
  };
}

/** What `connect` of `pocketwire/client` returns. */
export interface AnswerClient {
  publish(message: Publication): Promise<unknown>;
  history(
    topic: string,
    options: { readonly after?: string; readonly limit: number },
  ): Promise<{ readonly messages: readonly { readonly data: unknown }[]; readonly cursor: string }>;
}

/** The data of messages, oldest first, and the cursor after them. */
export interface ChannelPage {
  readonly data: readonly unknown[];
  readonly cursor: string;
}

/** Publishes to one topic, and reads its history. */
export interface Channel {
  /** @param id Makes it safe to publish the message again. Default: the service makes one. */
  publish(data: PartsMessage | EndMessage | StopMessage, id?: string): Promise<unknown>;
  /** Reads up to 1,000 messages: the oldest after a cursor, or the newest. */
  read(after: string | undefined): Promise<ChannelPage>;
}

/** Options of all messages that are published. */
export interface ChannelOptions {
  /** Whether only clients with a right to the topic receive the messages. Default: as the topic rules say. */
  readonly private?: boolean | undefined;
}

const PAGE = 1000;

/** @throws TypeError if one of the first two arguments is not what it must be. */
export function openChannel(
  name: string,
  realtime: AnswerServer | AnswerClient,
  topic: string,
  { private: isPrivate }: ChannelOptions,
): Channel {
  const isServer = "registry" in Object(realtime);
  if (typeof realtime?.publish !== "function" || !(isServer || "history" in realtime)) {
    throw new TypeError(
      `${name}: the first argument must be the service (createServer, startServer, getRealtime) or a client (connect of pocketwire/client).`,
    );
  }
  if (typeof topic !== "string" || topic === "") {
    throw new TypeError(`${name}: the topic must be a text that is not empty.`);
  }
  return {
    publish: (data, id) =>
      realtime.publish({
        ...{ topic, data },
        ...(id !== undefined && { id }),
        ...(isPrivate !== undefined && { private: isPrivate }),
      }),
    read: async (after) => {
      const request = { limit: PAGE, ...(after !== undefined && { after }) };
      if (!("registry" in realtime)) {
        const page = await realtime.history(topic, request);
        return { data: page.messages.map(({ data }) => data), cursor: page.cursor };
      }
      const reader = { rights: [topic] };
      const page = await realtime.registry.history({ topics: [topic], ...request }, reader);
      const data = page.messages.map(({ message }): unknown => JSON.parse(message.data));
      return { data, cursor: page.cursor };
    },
  };
}
