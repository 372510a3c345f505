/**
 * An `EventSource` with which the official PocketBase SDK resumes exactly, without a change of the SDK.
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
 * Creates a class like `ResumingEventSource` over another `EventSource` class: in Node, over the one of the npm package
 * `eventsource`.
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
 * A drop-in `EventSource` with which the official PocketBase SDK resumes exactly: after a break, each message arrives once.
 *
 * The SDK closes its event source after an error, and creates a new one. The new one finds out by the listeners of the SDK's
 * subscriptions which event source it continues, and adds the id of the last event to the address (`lastEventId`). Several
 * instances of the SDK at one address don't disturb each other. A subscription that was ended on purpose does not resume,
 * because a new subscription has a new listener.
 */
export const ResumingEventSource: typeof EventSource = createResumingEventSource(
  globalThis.EventSource,
);
