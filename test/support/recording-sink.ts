import { createParser, type EventSourceMessage } from "eventsource-parser";
import type { CloseReason, FrameSink } from "../../src/realtime/types.ts";
import { eventually } from "./deadline.ts";

/** A `FrameSink` that keeps what it got, read with somebody else's parser. */
export class RecordingSink implements FrameSink {
  /** The frames as they came: the same object when they were shared. */
  readonly frames: Uint8Array[] = [];
  /** All but PB_CURSOR, which only carries an id. */
  readonly events: EventSourceMessage[] = [];
  readonly comments: string[] = [];
  /** What the parser could not make sense of; no test expects any. */
  readonly faults: string[] = [];
  /** The reason of every `close`, of which there should be one. */
  readonly closings: CloseReason[] = [];
  /** Frames that came after the first `close`; there should be none. */
  framesAfterClose = 0;
  bufferedBytes = 0;
  readonly #accepts: number;
  /** Set while it takes nothing: whoever waits until it has. */
  #waiting: (() => void)[] | undefined;
  readonly #decoder = new TextDecoder();
  readonly #parser = createParser({
    onEvent: (event) => event.event !== "PB_CURSOR" && this.events.push(event),
    onComment: (comment) => this.comments.push(comment),
    onError: (error) => this.faults.push(error.message),
  });

  /** @param accepts How many frames it takes before it answers false, as a client too slow would. */
  constructor(accepts = Number.POSITIVE_INFINITY) {
    this.#accepts = accepts;
  }

  write(frame: Uint8Array): boolean {
    if (this.closings.length > 0) this.framesAfterClose += 1;
    if (this.frames.length >= this.#accepts) return false;
    this.frames.push(frame);
    this.#parser.feed(this.#decoder.decode(frame, { stream: true }));
    return true;
  }

  /** Takes everything at once, so it has at the next turn; or, while it is held, when it is let go. */
  onDrain(taken: () => void): void {
    setTimeout(() => {
      if (this.closings.length > 0) return;
      if (this.#waiting === undefined) taken();
      else this.#waiting.push(taken);
    });
  }

  /** From now on nothing it is given counts as taken. */
  hold(): this {
    this.#waiting ??= [];
    return this;
  }

  /** Somebody waits until it has taken what it was given, and it is held. */
  get isAwaited(): boolean {
    return this.#waiting !== undefined && this.#waiting.length > 0;
  }

  /** Takes what it was given so far, and is held still. */
  takeOnce(): void {
    for (const taken of this.#waiting?.splice(0) ?? []) taken();
  }

  release(): void {
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    for (const taken of waiting) this.onDrain(taken);
  }

  close(reason: CloseReason): void {
    this.closings.push(reason);
  }

  /** Everything written so far. */
  get text(): string {
    const decoder = new TextDecoder();
    return this.frames.map((frame) => decoder.decode(frame, { stream: true })).join("");
  }

  /** The data of the events so far, parsed; of those with one event name, if given. */
  data(event?: string): unknown[] {
    return this.events
      .filter((received) => event === undefined || received.event === event)
      .map((received) => JSON.parse(received.data));
  }

  /** Waits until there are `count` events and returns them. */
  async receive(count: number, label = "events"): Promise<readonly EventSourceMessage[]> {
    await eventually(() => this.events.length >= count, `${count} × ${label}`);
    return this.events;
  }

  /** Waits until it is closed and returns the first reason. */
  ended(label = "the sink is closed"): Promise<CloseReason> {
    return eventually(() => this.closings[0], label);
  }
}
