import type { Epoch } from "../../src/log/epochs.ts";
import type { StoredRevocation } from "../../src/log/log.ts";
import {
  type BatchOutcome,
  comparePlaces,
  type Place,
  type SequencedContent,
  type SequencedEntry,
  type Sequencer,
  type SequencerBatch,
  type SequencerPosition,
  type SequencerState,
} from "../../src/log/replica/sequencer.ts";
import { RealtimeError } from "../../src/realtime/errors.ts";

/** The state that a copy of the server restores. */
interface Data {
  readonly epochs: Epoch[];
  readonly entries: SequencedEntry[];
  readonly end: Place;
  readonly ids: Map<string, string>;
  readonly revocations: StoredRevocation[];
}

/** A sequencer in memory, for several processes, which fails on demand. It knows no kept messages. */
export class FakeSequencerServer {
  /** Milliseconds since 1970. */
  now = 1_000_000_000_000;
  epochs: Epoch[] = [];
  entries: SequencedEntry[] = [];
  end: Place = { sequence: 0, index: 0 };
  ids = new Map<string, string>();
  revocations: StoredRevocation[] = [];
  /** Whether the next call begins a new epoch. */
  mustBeginEpoch = true;
  #epochNumber = 0;

  connect(): FakeSequencer {
    return new FakeSequencer(this);
  }

  /** Begins a new epoch if entries may be lost. Every call does this first. */
  beginEpochIfDue(): void {
    if (!this.mustBeginEpoch) return;
    this.mustBeginEpoch = false;
    this.#epochNumber += 1;
    this.epochs.push({ name: `e${this.#epochNumber}`, start: this.end.sequence });
  }

  /** Restarts without a loss. */
  restart(): void {
    this.mustBeginEpoch = true;
  }

  copy(): Data {
    const { epochs, entries, end, ids, revocations } = this;
    return {
      epochs: [...epochs],
      entries: [...entries],
      end,
      ids: new Map(ids),
      revocations: [...revocations],
    };
  }

  /** Restores a copy, as a failover to a replica that is behind. */
  restore(data: Data): void {
    this.epochs = [...data.epochs];
    this.entries = [...data.entries];
    this.end = data.end;
    this.ids = new Map(data.ids);
    this.revocations = [...data.revocations];
    this.mustBeginEpoch = true;
  }

  /** Drops all messages but the newest, and the other entries before them. */
  trimTo(count: number): void {
    const oldest = Math.max(this.end.sequence - count + 1, 1);
    this.entries = this.entries.filter(
      ({ sequence, index }) => sequence >= oldest || (index > 0 && sequence === oldest - 1),
    );
  }

  add(content: SequencedContent): Place {
    const { sequence, index } = this.end;
    const isMessage = content.kind === "message";
    this.end = isMessage ? { sequence: sequence + 1, index: 0 } : { sequence, index: index + 1 };
    const epoch = this.epochs.at(-1)?.name ?? "";
    this.entries.push({ ...this.end, epoch, at: this.now, content });
    return this.end;
  }
}

/** The connection of one process. */
export class FakeSequencer implements Sequencer {
  /** Whether every call fails. */
  isCut = false;
  /** Whether the answer to the next append is lost. */
  swallowsAnswer = false;
  /** Number of next pages that are empty, as from a replica that lags. */
  emptyPages = 0;
  /** Number of next pages that repeat older entries. */
  repeatedPages = 0;
  /** Largest number of entries in a page. */
  pageSize = 3;
  readonly #server: FakeSequencerServer;

  constructor(server: FakeSequencerServer) {
    this.#server = server;
  }

  async join(): Promise<SequencerState> {
    const server = await this.#reach();
    const [oldest] = server.entries;
    // The cast: `#reach` has begun the first epoch.
    const epochs = [...server.epochs] as [Epoch, ...Epoch[]];
    const first = oldest === undefined ? server.end.sequence + 1 : firstMessage(oldest);
    return { epochs, end: server.end, oldest: first, now: server.now };
  }

  async *kept(): AsyncIterable<readonly SequencedEntry[]> {
    await this.#reach();
    yield [];
  }

  async revocations(): Promise<readonly StoredRevocation[]> {
    return [...(await this.#reach()).revocations];
  }

  async append(batches: readonly SequencerBatch[]): Promise<readonly BatchOutcome[]> {
    const server = await this.#reach();
    const outcomes = batches.map(({ messages }): BatchOutcome => {
      const receipts = messages.map((message) => {
        const { id } = message;
        const duplicate = server.ids.has(id);
        if (!duplicate) {
          server.ids.set(id, message.data);
          server.add({ kind: "message", message });
        }
        return { id, duplicate };
      });
      const epoch = server.epochs.at(-1)?.name ?? "";
      return { kind: "appended", receipts, position: { epoch, ...server.end, index: 0 } };
    });
    if (this.swallowsAnswer) {
      this.swallowsAnswer = false;
      throw unreachable();
    }
    return outcomes;
  }

  async after(place: Place): Promise<readonly SequencedEntry[]> {
    const server = await this.#reach();
    if (this.emptyPages > 0) {
      this.emptyPages -= 1;
      return [];
    }
    const next = server.entries.findIndex((entry) => comparePlaces(entry, place) > 0);
    if (next === -1) return [];
    const from = this.repeatedPages > 0 ? Math.max(next - 2, 0) : next;
    this.repeatedPages = Math.max(this.repeatedPages - 1, 0);
    return server.entries.slice(from, next + this.pageSize);
  }

  async erase(topic: string): Promise<SequencerPosition> {
    const server = await this.#reach();
    const place = server.add({ kind: "erasure", topic });
    server.entries = server.entries.map((entry) => {
      const { content } = entry;
      const isErased = content.kind === "message" && content.message.topics.includes(topic);
      return isErased ? { ...entry, content: { kind: "erased" } } : entry;
    });
    return { ...place, epoch: server.epochs.at(-1)?.name ?? "" };
  }

  async revoke(subject: string): Promise<SequencerPosition & { readonly at: number }> {
    const server = await this.#reach();
    const place = server.add({ kind: "revocation", subject });
    server.revocations.push({ subject, at: server.now });
    return { ...place, epoch: server.epochs.at(-1)?.name ?? "", at: server.now };
  }

  disconnect(): void {}

  async close(): Promise<void> {
    this.isCut = true;
  }

  async #reach(): Promise<FakeSequencerServer> {
    if (this.isCut) throw unreachable();
    this.#server.beginEpochIfDue();
    return this.#server;
  }
}

function firstMessage({ sequence, index }: Place): number {
  return index === 0 ? sequence : sequence + 1;
}

function unreachable(): RealtimeError {
  return new RealtimeError("unreachable", "The sequencer can't be reached.");
}
