import type { StreamLike, StreamListener, StreamSettings } from "../stream-types.ts";
import type { ConnectOptions } from "../types.ts";
import type { HostParts } from "./host.ts";
import { SharedStream } from "./shared-stream.ts";

/** What `shareStream` needs. */
export interface ShareSettings extends Omit<StreamSettings, "send"> {
  /** The options of `connect`. */
  readonly options: ConnectOptions;
  readonly fetch: HostParts["fetch"];
}

/**
 * Opens a stream that all tabs of the origin share.
 *
 * @throws if the page has no Web Locks: it is neither from https nor from localhost, or it has an opaque origin.
 */
export async function shareStream(
  { options, fetch, ...settings }: ShareSettings,
  listener: StreamListener,
): Promise<StreamLike> {
  await navigator.locks.query();
  const { api, withCredentials, EventSource, token } = settings;
  const name = options.share === true ? "" : options.share;
  // The number is the version of the messages. Tabs with another version must use another channel.
  const channel = `pocketwire 1 ${api} ${name}`;
  // A SharedWorker can't call functions of a tab.
  const withWorker = options.EventSource === undefined && options.fetch === undefined;
  const hostSettings = { channel, api: new URL(api, location.href).href, withCredentials };
  return new SharedStream(hostSettings, { EventSource, fetch }, token, listener, withWorker);
}
