import type { MessageContent, Outcome } from "../records/message-content.ts";
import type { Viewer } from "../records/viewer.ts";
import { formatSSEMessage } from "../sse.ts";
import { eventNameOf } from "../subscriptions/subscription-key.ts";
import type { Subscription } from "../subscriptions/subscription-table.ts";
import type { LogEntry } from "../types.ts";
import type { Bytes } from "../units.ts";
import type { Slice } from "./work-slice.ts";

/**
 * When a delivery has encoded more than this size, the frames that it keeps for other clients with the same keys are released.
 */
const MAX_SHARED_BYTES: Bytes = 4 * 1024 * 1024;

/** The cost of encoding a frame, where writing a frame costs 1. */
const ENCODE_COST = 4;

const encoder = new TextEncoder();

/** The encoded frames of the message for those clients with one subscription key that receive the same data. */
export interface Frames<Client> {
  readonly subscription: Subscription<Client>;
  readonly data: string;
  /** The frame for a client that receives the message under no further key. */
  last: Uint8Array | undefined;
  /** The frame for a client that receives the message under another key after this one. */
  earlier: Uint8Array | undefined;
}

/** A subscription and what its clients receive. */
export interface Target<Client> {
  readonly subscription: Subscription<Client>;
  readonly outcome: Outcome;
  /** The frames of a uniform outcome. */
  readonly frames: Frames<Client> | undefined;
  /** The frames of other outcomes, by data. */
  byData: Map<string, Frames<Client>> | undefined;
}

/** What the subscriptions of one message receive, with the encoded frames. */
export class Targets<Client extends { readonly viewer: Viewer }> {
  readonly #entry: LogEntry;
  readonly #content: MessageContent;
  readonly #previousCursor: string;
  /** The targets of subscriptions with several clients. */
  #shared = new Map<Subscription<Client>, Target<Client>>();
  #sharedBytes = 0;

  /** @param previousCursor Cursor of the message before this one. */
  constructor(entry: LogEntry, content: MessageContent, previousCursor: string) {
    this.#entry = entry;
    this.#content = content;
    this.#previousCursor = previousCursor;
  }

  /** Whether some client may receive the message for this subscription. */
  isReceived(subscription: Subscription<Client>, slice: Slice): boolean {
    const outcome = this.#content.outcomeFor(subscription);
    slice.spend(this.#content.takeCost());
    return !outcome.isUniform || outcome.data !== undefined;
  }

  /** Creates the target of a subscription. It is not stored. */
  create(subscription: Subscription<Client>, slice: Slice): Target<Client> {
    const outcome = this.#content.outcomeFor(subscription);
    slice.spend(this.#content.takeCost());
    const data = outcome.isUniform ? outcome.data : undefined;
    const frames = data === undefined ? undefined : createFrames(subscription, data);
    return { subscription, outcome, frames, byData: undefined };
  }

  /** Returns the target of a subscription. The target is stored only if the subscription has several clients. */
  of(subscription: Subscription<Client>, slice: Slice): Target<Client> {
    if (subscription.clients.size === 1) return this.create(subscription, slice);
    let target = this.#shared.get(subscription);
    if (target === undefined) {
      if (this.#sharedBytes > MAX_SHARED_BYTES) this.#releaseFrames();
      target = this.create(subscription, slice);
      this.#shared.set(subscription, target);
    }
    return target;
  }

  /**
   * Returns the frames for one client of a target whose outcome is not uniform. Undefined if the client does not receive the
   * message for this subscription. Also undefined for a uniform outcome, which has its frames in `Target.frames`.
   */
  framesFor(target: Target<Client>, client: Client, slice: Slice): Frames<Client> | undefined {
    if (target.outcome.isUniform) return undefined;
    const data = this.#content.eventDataFor(target.subscription, client.viewer);
    slice.spend(this.#content.takeCost());
    if (data === undefined) return undefined;
    target.byData ??= new Map();
    let frames = target.byData.get(data);
    if (frames === undefined) {
      frames = createFrames(target.subscription, data);
      target.byData.set(data, frames);
    }
    return frames;
  }

  /**
   * Encodes a frame, and stores it in `frames`.
   *
   * @param isLast Whether the client receives the message under no further key.
   */
  encode(frames: Frames<Client>, isLast: boolean, slice: Slice): Uint8Array {
    slice.spend(ENCODE_COST);
    const { subscription, data } = frames;
    const id = isLast ? this.#entry.cursor : `${this.#previousCursor}~${subscription.keyHash}`;
    const message = { event: eventNameOf(subscription.key), data, id };
    const frame = encoder.encode(formatSSEMessage(message));
    this.#sharedBytes += frame.length;
    if (isLast) frames.last = frame;
    else frames.earlier = frame;
    return frame;
  }

  /** Releases the memory of frames and decisions. Both are made again when they are needed. */
  release(): void {
    this.#releaseFrames();
    this.#content.release();
  }

  #releaseFrames(): void {
    this.#sharedBytes = 0;
    if (this.#shared.size > 0) this.#shared = new Map();
  }
}

function createFrames<Client>(subscription: Subscription<Client>, data: string): Frames<Client> {
  return { subscription, data, last: undefined, earlier: undefined };
}

/** Whether some client may receive the message for a target. */
export function isReceived({ outcome }: Target<unknown>): boolean {
  return !outcome.isUniform || outcome.data !== undefined;
}
