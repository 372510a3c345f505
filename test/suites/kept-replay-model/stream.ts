import type { FrameSink } from "../../../src/realtime/types.ts";
import type { Moment } from "./client.ts";

/** A stream. Its bytes count as waiting until `take` is called. A replaced manager no longer writes to it. */
export class Stream {
  frames: { readonly text: string; readonly moment: Moment }[] = [];
  bufferedBytes = 0;
  #waiting: (() => void)[] = [];
  readonly #moment: () => Moment;
  readonly #decoder = new TextDecoder();

  constructor(moment: () => Moment) {
    this.#moment = moment;
  }

  /** The sink for one manager. */
  createSink(): { readonly sink: FrameSink; readonly detach: () => void } {
    const stream = this;
    let isAttached = true;
    const sink: FrameSink = {
      get bufferedBytes() {
        return stream.bufferedBytes;
      },
      write: (frame) => {
        if (!isAttached) return true;
        stream.frames.push({ text: stream.#decoder.decode(frame), moment: stream.#moment() });
        stream.bufferedBytes += frame.length;
        return true;
      },
      onDrain: (done) => {
        if (!isAttached) return;
        if (stream.bufferedBytes === 0) done();
        else stream.#waiting.push(done);
      },
      close: () => {
        if (isAttached) stream.#waiting = [];
      },
    };
    const detach = () => {
      isAttached = false;
      stream.#waiting = [];
    };
    return { sink, detach };
  }

  take(): void {
    this.bufferedBytes = 0;
    for (const done of this.#waiting.splice(0)) done();
  }
}
