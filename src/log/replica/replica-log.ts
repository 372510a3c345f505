import { type Clocks, monotonicClock } from "../../realtime/clock.ts";
import type { Cursor } from "../../realtime/cursor.ts";
import { RealtimeError } from "../../realtime/errors.ts";
import { protectLogger } from "../../realtime/protected-logger.ts";
import { settledWithin } from "../../realtime/settled-within.ts";
import type {
  GapListener,
  Logger,
  LogPage,
  MaybePromise,
  Message,
  Principal,
  TailListener,
} from "../../realtime/types.ts";
import type { Bytes, Milliseconds } from "../../realtime/units.ts";
import type {
  LogOptions,
  LogStats,
  MessageLog,
  PublishReceipt,
  SharedRevocations,
  StoredRevocation,
} from "../log.ts";
import type { SharedPresence } from "../shared-presence.ts";
import { Appender } from "./appender.ts";
import { CATCH_UP_TIMEOUT, CatchUp } from "./catch-up.ts";
import { changedMeanwhile, Replica } from "./replica.ts";
import { ReplicaReader } from "./replica-reader.ts";
import { ReplicaRevocations } from "./replica-revocations.ts";
import type { Sequencer, SequencerPosition } from "./sequencer.ts";

/** Number of attempts to load the history, which another process may change meanwhile. */
const OPEN_ATTEMPTS = 20;

/** Time between two attempts. */
const OPEN_DELAY: Milliseconds = 100;

/** Time for which a refused append makes the process not ready, unless an append succeeds earlier. */
const FAILURE_TIME: Milliseconds = 10_000;

/** Options of `openReplicaLog`. */
export interface ReplicaLogOptions extends LogOptions, Clocks {
  /** Puts the messages of all processes into one order. The log's `release` closes it. */
  readonly sequencer: Sequencer;
  /** Runs a function in a later turn of the event loop. Default: `setTimeout`. */
  readonly nextTurn?: ((run: () => void) => void) | undefined;
  readonly logger?: Logger | undefined;
}

/**
 * Opens a log that several processes share. Each process has the whole history in its memory, so only appending and receiving
 * new messages need the sequencer.
 *
 * @throws RealtimeError as the methods of `Sequencer`.
 */
export async function openReplicaLog(options: ReplicaLogOptions): Promise<MessageLog> {
  const monotonicNow = monotonicClock(options);
  const { sequencer, nextTurn = (run) => void setTimeout(run) } = options;
  const replicaOptions = { ...options, monotonicNow, nextTurn };
  const logger = options.logger && protectLogger(options.logger, monotonicNow);
  for (let attempt = 0; attempt < OPEN_ATTEMPTS; attempt++) {
    const replica = await Replica.open(replicaOptions);
    if (replica !== undefined) {
      const revocations = await sequencer.revocations();
      return new ReplicaLog({ replica, sequencer, revocations, monotonicNow, logger });
    }
    await new Promise((resolve) => setTimeout(resolve, OPEN_DELAY));
  }
  throw changedMeanwhile();
}

interface Parts {
  readonly replica: Replica;
  readonly sequencer: Sequencer;
  readonly revocations: readonly StoredRevocation[];
  readonly monotonicNow: () => number;
  readonly logger: Logger | undefined;
}

class ReplicaLog implements MessageLog {
  readonly keepsHistory: boolean;
  readonly sharedRevocations: SharedRevocations;
  readonly sharedPresence: SharedPresence | undefined;
  readonly #replica: Replica;
  readonly #sequencer: Sequencer;
  readonly #reader: ReplicaReader;
  readonly #appender: Appender;
  readonly #catchUp: CatchUp;
  /** The error of the last append, and when it occurred by the monotonic clock. Undefined when the append succeeded. */
  #appendFailure: { readonly error: unknown; readonly at: Milliseconds } | undefined;
  readonly #monotonicNow: () => number;
  /** Position of the newest message that this process has appended. */
  #appended: SequencerPosition | undefined;
  #accepted = 0;
  #duplicate = 0;
  #isClosed = false;

  constructor({ replica, sequencer, revocations, monotonicNow, logger }: Parts) {
    this.#replica = replica;
    this.#sequencer = sequencer;
    this.sharedPresence = sequencer.presence;
    this.#monotonicNow = monotonicNow;
    this.keepsHistory = replica.history.isEnabled;
    this.#catchUp = new CatchUp(replica, sequencer);
    this.#reader = new ReplicaReader({ replica, sequencer, monotonicNow, logger });
    this.#appender = new Appender(sequencer, (error) => {
      this.#appendFailure = error === undefined ? undefined : { error, at: monotonicNow() };
      if (error !== undefined) {
        logger?.error("messages can't be stored", { error: String(error) });
      }
    });
    this.sharedRevocations = new ReplicaRevocations(replica, sequencer, revocations);
  }

  async append(
    messages: readonly Message[],
    publisher?: Principal,
  ): Promise<readonly PublishReceipt[]> {
    if (this.#isClosed) throw logClosed();
    const { receipts, position } = await this.#appender.append(messages, publisher);
    const duplicates = receipts.filter(({ duplicate }) => duplicate).length;
    this.#duplicate += duplicates;
    this.#accepted += receipts.length - duplicates;
    this.#appended = position;
    if (!this.#replica.knows(position)) this.#reader.joinAgain();
    // The messages are stored. If this process receives them later than usual, the publisher need not wait for that.
    await this.#replica.waiters.wait(position, CATCH_UP_TIMEOUT);
    return receipts;
  }

  tail(listener: TailListener, onGap?: GapListener): () => void {
    const follower = { listener, onGap };
    this.#replica.followers.add(follower);
    return () => this.#replica.followers.delete(follower);
  }

  cursor(): string {
    return this.#replica.cursors.formatNewest(this.#replica.history.end);
  }

  hasReached(cursor: Cursor): boolean {
    return cursor.shard === 0 && this.#replica.hasReached({ ...cursor, index: 0 });
  }

  catchUp(cursor: Cursor): MaybePromise<void> {
    if (cursor.shard !== 0 || this.hasReached(cursor)) return;
    return this.#catchUp.wait({ ...cursor, index: 0 });
  }

  read(
    after: string | undefined,
    limit: number,
    maxBytes?: Bytes,
    topics?: readonly string[],
  ): LogPage | undefined {
    const { history, cursors } = this.#replica;
    const sequence = after === undefined ? 0 : cursors.sequenceOf(after);
    if (sequence === undefined || sequence > history.end) return undefined;
    return history.read({ sequence, now: this.#replica.now(), limit, maxBytes, topics });
  }

  readBack(
    before: string | undefined,
    limit: number,
    maxBytes?: Bytes,
    topics?: readonly string[],
  ): LogPage | undefined {
    const { history, cursors } = this.#replica;
    const end = history.end + 1;
    const sequence = before === undefined ? end : cursors.sequenceOf(before);
    if (sequence === undefined || sequence > end) return undefined;
    return history.readBack({ sequence, now: this.#replica.now(), limit, maxBytes, topics });
  }

  async erase(topic: string): Promise<number> {
    if (this.#isClosed) throw logClosed();
    const position = await this.#sequencer.erase(topic);
    if (await this.#replica.waiters.wait(position, CATCH_UP_TIMEOUT)) {
      return this.#replica.erasedBy(position);
    }
    throw new RealtimeError(
      "unreachable",
      "The messages are being erased, but their number is not known yet. Erase them again to check.",
    );
  }

  stats(): LogStats {
    return {
      accepted: this.#accepted,
      duplicate: this.#duplicate,
      ...this.#replica.history.statsAt(this.#replica.now()),
    };
  }

  assertWritable(): void {
    const failure = this.#reader.failure ?? this.#refusal();
    if (failure === undefined) return;
    throw failure instanceof RealtimeError
      ? failure
      : new RealtimeError("unreachable", "The shared log can't be read.", { cause: failure });
  }

  /**
   * Returns the error of an append that the sequencer refused within `FAILURE_TIME`. The error must expire: a load balancer
   * sends no messages to a process that is not ready, so no successful append could clear the error. `unreachable` is left
   * out, because the reader then fails as well.
   */
  #refusal(): unknown {
    const append = this.#appendFailure;
    if (append === undefined || this.#monotonicNow() - append.at >= FAILURE_TIME) return undefined;
    const { error } = append;
    return error instanceof RealtimeError && error.code === "storage_failed" ? error : undefined;
  }

  /**
   * Waits until the waiting messages are appended and the accepted messages are delivered, at most two seconds each. Later, `release`
   * ends the calls of the sequencer that have not been answered.
   */
  async close(): Promise<void> {
    this.#isClosed = true;
    await settledWithin(this.#appender.whenIdle(), CATCH_UP_TIMEOUT);
    if (this.#appended !== undefined) {
      await this.#replica.waiters.wait(this.#appended, CATCH_UP_TIMEOUT);
    }
    this.#replica.followers.clear();
    this.#replica.revocationListeners.clear();
  }

  async release(): Promise<void> {
    this.#reader.stop();
    this.#replica.waiters.stop();
    await this.#sequencer.close();
  }
}

function logClosed(): RealtimeError {
  return new RealtimeError("closed", "The server is stopping. Try again soon.");
}
