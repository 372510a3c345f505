/** Pages with one stream each, as in browsers: any status except 200 is final for an EventSource. */
import { EventSource } from "eventsource";
import PocketBase from "pocketbase";
import { postJSON } from "./api.ts";

/** Node has no EventSource by default. The SDK uses the global one. */
globalThis.EventSource = EventSource;

export interface Page {
  /** Messages that the page received on the topic `all`. */
  readonly heard: unknown[];
  /** Statuses of failed requests, and of the stream when its failure is final. */
  readonly refused: number[];
  close(): void;
}

/** Opens a page. Resolves when its subscription is set. */
export type OpenPage = (url: string) => Promise<Page>;

/** A plain EventSource that subscribes once by POST when it is connected, as the README's page does. */
export const openEventSourcePage: OpenPage = async (url) => {
  const heard: unknown[] = [];
  const refused: number[] = [];
  const stream = new EventSource(`${url}/api/realtime`);
  stream.addEventListener("error", ({ code }) => {
    if (stream.readyState === EventSource.CLOSED) refused.push(code ?? 0);
  });
  stream.addEventListener("all", ({ data }) => void heard.push(JSON.parse(data)));
  await new Promise<void>((resolve) => {
    stream.addEventListener("PB_CONNECT", async ({ data }) => {
      const { clientId } = JSON.parse(data);
      const { status } = await postJSON(url, "/api/realtime", { clientId, subscriptions: ["all"] });
      if (status !== 204) refused.push(status);
      resolve();
    });
  });
  return { heard, refused, close: () => stream.close() };
};

/** The official SDK, which ignores `retry:` and uses its own delays. */
export const openSDKPage: OpenPage = async (url) => {
  const pb = new PocketBase(url);
  const heard: unknown[] = [];
  const refused: number[] = [];
  pb.afterSend = ({ status }, data) => {
    if (status >= 400) refused.push(status);
    return data;
  };
  await pb.realtime.subscribe("all", (data) => void heard.push(data));
  return { heard, refused, close: () => void pb.realtime.unsubscribe() };
};
