import type { UIMessageChunk } from "ai";

/** Size of the parts that one message has, unless one part alone is larger. In bytes of JSON. */
const MAX_MESSAGE = 64 * 1024;

/** The model waits while more than this waits to be published, in bytes of JSON. */
const MAX_WAITING = 1024 * 1024;

interface SizedPart {
  readonly part: UIMessageChunk;
  readonly bytes: number;
}

const utf8 = new TextEncoder();

/** The parts of an answer between the model, which adds them, and the publisher, which takes several at a time. */
export class PartQueue {
  readonly #parts: SizedPart[] = [];
  #bytes = 0;
  #isEnded = false;
  #onPart: (() => void) | undefined;
  #onRoom: (() => void) | undefined;

  /** Whether no more parts follow, and all were taken. */
  get isDone(): boolean {
    return this.#isEnded && this.#parts.length === 0;
  }

  /**
   * Adds a part. Resolves when there is room for another.
   *
   * @throws TypeError if the part can't be written as JSON.
   */
  async add(part: UIMessageChunk): Promise<void> {
    if (this.#isEnded) return;
    const bytes = utf8.encode(JSON.stringify(part)).length;
    this.#parts.push({ part, bytes });
    this.#bytes += bytes;
    this.#onPart?.();
    if (this.#bytes <= MAX_WAITING) return;
    await new Promise<void>((resolve) => {
      this.#onRoom = resolve;
    });
  }

  /** No more parts follow. Parts that were added before can still be taken. */
  end(): void {
    this.#isEnded = true;
    this.#onPart?.();
    this.#onRoom?.();
  }

  /** Resolves when a part waits, when no more follow, or after a time in milliseconds. */
  async ready(time: number): Promise<void> {
    if (this.#isEnded || this.#parts.length > 0) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    await new Promise<void>((resolve) => {
      this.#onPart = resolve;
      timer = setTimeout(resolve, time);
    });
    clearTimeout(timer);
    this.#onPart = undefined;
  }

  /** Takes the parts of the next message. Empty if none wait. */
  take(): UIMessageChunk[] {
    const taken: UIMessageChunk[] = [];
    let size = 0;
    for (const { part, bytes } of this.#parts) {
      if (taken.length > 0 && size + bytes > MAX_MESSAGE) break;
      taken.push(part);
      size += bytes;
    }
    this.#parts.splice(0, taken.length);
    this.#bytes -= size;
    if (this.#bytes <= MAX_WAITING) this.#onRoom?.();
    return taken;
  }
}
