/** Pages with a stream each, as browsers hold them: any status but 200 is final for an EventSource. */
import { EventSource } from "eventsource";
import PocketBase from "pocketbase";
import { postJSON } from "./api.ts";

/** Node has no EventSource of its own; the SDK looks for a global one. */
globalThis.EventSource = EventSource;

export interface Page {
  /** What it heard on the topic `all`. */
  readonly heard: unknown[];
  /** Statuses of requests that failed, and of its stream where that is final. */
  readonly refused: number[];
  close(): void;
}

/** Opens a page; resolves when its subscription is set. */
export type OpenPage = (url: string) => Promise<Page>;

/** A bare EventSource that subscribes by POST when it is connected, once, as the README's page does. */
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

/** The official SDK, which ignores `retry:` and reconnects after times of its own. */
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
