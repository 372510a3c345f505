import type {
  LogStats,
  MessageLog,
  PublishReceipt,
  SharedRevocations,
  StoredRevocation,
} from "../../src/log/log.ts";
import { createMemoryLog, type MemoryLogOptions } from "../../src/log/memory.ts";
import type { SharedPresence } from "../../src/log/shared-presence.ts";
import type { Cursor } from "../../src/realtime/cursor.ts";
import { RealtimeError } from "../../src/realtime/errors.ts";
import type { GapListener, Message, TailListener } from "../../src/realtime/types.ts";

/** A log in memory that several registries of one test share, as processes share a log in Redis. */
export class SharedMemoryLog {
  readonly log: MessageLog;
  /** Whether revocations are stored, but not announced until `announce`. */
  holdsRevocations = false;
  readonly #stored: StoredRevocation[] = [];
  #unannounced: StoredRevocation[] = [];
  readonly #gapListeners = new Set<GapListener>();
  readonly #listeners = new Set<(revocation: StoredRevocation) => void>();

  constructor(options?: MemoryLogOptions) {
    this.log = createMemoryLog(options);
  }

  /** Announces a gap to all processes, as if the log had lost messages. */
  announceGap(): void {
    for (const onGap of this.#gapListeners) onGap({ validTo: 0 });
  }

  /** Returns the log of one process. */
  open(presence?: SharedPresence): MessageLog {
    const revocations: SharedRevocations = {
      all: () => [...this.#stored],
      revoke: async (subject) => this.#revoke(subject),
      follow: (listener) => void this.#listeners.add(listener),
    };
    return new LogOfProcess(this.log, revocations, presence, this.#gapListeners);
  }

  /** Announces the revocations that were held back. */
  announce(): void {
    for (const revocation of this.#unannounced.splice(0)) {
      for (const listener of this.#listeners) listener(revocation);
    }
  }

  #revoke(subject: string): StoredRevocation {
    const revocation = { subject, at: Date.now() };
    this.#stored.push(revocation);
    this.#unannounced.push(revocation);
    if (!this.holdsRevocations) this.announce();
    return revocation;
  }
}

class LogOfProcess implements MessageLog {
  readonly keepsHistory: boolean;
  readonly sharedRevocations: SharedRevocations;
  readonly sharedPresence: SharedPresence | undefined;
  readonly #gapListeners: Set<GapListener>;
  readonly #log: MessageLog;
  #accepted = 0;
  #duplicate = 0;
  #isClosed = false;

  constructor(
    log: MessageLog,
    revocations: SharedRevocations,
    presence: SharedPresence | undefined,
    gapListeners: Set<GapListener>,
  ) {
    this.#log = log;
    this.sharedPresence = presence;
    this.#gapListeners = gapListeners;
    this.keepsHistory = log.keepsHistory;
    this.sharedRevocations = revocations;
  }

  async append(messages: readonly Message[]): Promise<readonly PublishReceipt[]> {
    if (this.#isClosed) throw new RealtimeError("closed", "The server is stopping.");
    const receipts = await this.#log.append(messages);
    const duplicates = receipts.filter(({ duplicate }) => duplicate).length;
    this.#duplicate += duplicates;
    this.#accepted += receipts.length - duplicates;
    return receipts;
  }

  async stats(): Promise<LogStats> {
    const stats = await this.#log.stats();
    return { ...stats, accepted: this.#accepted, duplicate: this.#duplicate };
  }

  tail(listener: TailListener, onGap?: GapListener): () => void {
    if (onGap !== undefined) this.#gapListeners.add(onGap);
    const stop = this.#log.tail(listener);
    return () => {
      if (onGap !== undefined) this.#gapListeners.delete(onGap);
      stop();
    };
  }

  cursor(): string {
    return this.#log.cursor();
  }

  hasReached(cursor: Cursor): boolean {
    return this.#log.hasReached(cursor);
  }

  read(...request: Parameters<MessageLog["read"]>): ReturnType<MessageLog["read"]> {
    return this.#log.read(...request);
  }

  readBack(...request: Parameters<MessageLog["readBack"]>): ReturnType<MessageLog["readBack"]> {
    return this.#log.readBack(...request);
  }

  erase(topic: string): ReturnType<MessageLog["erase"]> {
    return this.#log.erase(topic);
  }

  close(): void {
    this.#isClosed = true;
  }
}
