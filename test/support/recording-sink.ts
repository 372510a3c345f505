import { createParser, type EventSourceMessage } from "eventsource-parser";
import type { CloseReason, FrameSink } from "../../src/realtime/types.ts";
import { eventually } from "./deadline.ts";

/** A `FrameSink` that records frames, and parses them with an independent parser. */
export class RecordingSink implements FrameSink {
  /** The written frames. Shared frames are the same object. */
  readonly frames: Uint8Array[] = [];
  /** All events except PB_CURSOR, which only carries an id. */
  readonly events: EventSourceMessage[] = [];
  readonly comments: string[] = [];
  /** Errors of the parser. No test expects any. */
  readonly faults: string[] = [];
  /** The reason of every `close`. Expected: one. */
  readonly closings: CloseReason[] = [];
  /** Frames that were written after the first `close`. Expected: none. */
  framesAfterClose = 0;
  bufferedBytes = 0;
  readonly #accepts: number;
  /** Callbacks that wait for the drain. Undefined unless the sink is held. */
  #waiting: (() => void)[] | undefined;
  readonly #decoder = new TextDecoder();
  readonly #parser = createParser({
    onEvent: (event) => event.event !== "PB_CURSOR" && this.events.push(event),
    onComment: (comment) => this.comments.push(comment),
    onError: (error) => this.faults.push(error.message),
  });

  /** @param accepts Number of frames after which `write` returns false, as for a slow client. */
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

  /** Drains at the next turn of the event loop or, while the sink is held, at `takeOnce` or `release`. */
  onDrain(done: () => void): void {
    setTimeout(() => {
      if (this.closings.length > 0) return;
      if (this.#waiting === undefined) done();
      else this.#waiting.push(done);
    });
  }

  /** Stops draining until `takeOnce` or `release`. */
  hold(): this {
    this.#waiting ??= [];
    return this;
  }

  /** Whether the sink is held and a caller waits for it to drain. */
  get isAwaited(): boolean {
    return this.#waiting !== undefined && this.#waiting.length > 0;
  }

  /** Drains once, and stays held. */
  takeOnce(): void {
    for (const done of this.#waiting?.splice(0) ?? []) done();
  }

  release(): void {
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    for (const done of waiting) this.onDrain(done);
  }

  close(reason: CloseReason): void {
    this.closings.push(reason);
  }

  /** Everything written so far. */
  get text(): string {
    const decoder = new TextDecoder();
    return this.frames.map((frame) => decoder.decode(frame, { stream: true })).join("");
  }

  /** The parsed data of the events so far, of all events or of one event name. */
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

  /** Waits until the sink is closed and returns the first reason. */
  ended(label = "the sink is closed"): Promise<CloseReason> {
    return eventually(() => this.closings[0], label);
  }
}
