/**
 * An `EventSource` that makes the official PocketBase SDK resume exactly. The SDK itself stays unchanged.
 *
 * @example
 * ```ts
 * import { ResumingEventSource } from "pocketwire/client/event-source";
 *
 * globalThis.EventSource = ResumingEventSource;
 * ```
 */
import { type EventSourceClass, ResumingStream } from "./resuming-stream.ts";

export type { EventSourceClass };

/**
 * Creates a class like `ResumingEventSource` that uses another `EventSource` class for its connections. In Node, pass the class of
 * the npm package `eventsource`.
 *
 * @example
 * ```ts
 * import { EventSource } from "eventsource";
 * import { createResumingEventSource } from "pocketwire/client/event-source";
 *
 * globalThis.EventSource = createResumingEventSource(EventSource);
 * ```
 */
export function createResumingEventSource(Base: EventSourceClass | undefined): typeof EventSource {
  const Created = class ResumingEventSource extends ResumingStream {
    constructor(url: string | URL, init?: EventSourceInit) {
      if (Base === undefined) {
        throw new TypeError(
          "There is no EventSource here. Use createResumingEventSource(EventSource) with the class of the package eventsource.",
        );
      }
      super(Base, url, init);
    }
  };
  return Created as unknown as typeof EventSource;
}

/**
 * A drop-in `EventSource` that makes the official PocketBase SDK resume exactly: after a break, each message arrives once.
 *
 * The SDK closes its event source after an error, and creates a new one. The SDK adds the listeners of its subscriptions to the new
 * event source. By these listeners, the new event source recognises the old one, and adds the id of its last event to the address
 * (`lastEventId`). Several instances of the SDK can therefore use one address. A subscription that the page ended does not resume,
 * because a new subscription has a new listener.
 */
export const ResumingEventSource: typeof EventSource = createResumingEventSource(
  globalThis.EventSource,
);
