import { formatCursor } from "../cursor.ts";
import { formatCursorEvent } from "../sse.ts";
import { parseSubscription } from "../subscriptions/subscription-key.ts";
import type {
  CloseReason,
  FrameSink,
  LogEntry,
  Logger,
  LogReader,
  ManagerStats,
  MaybePromise,
} from "../types.ts";
import { ClientReplay, REPLAY_PAGE } from "./client-replay.ts";
import type { PositionedClient, ResumeCursors } from "./resume-cursors.ts";
import { formatFinalEvent, formatUnrecovered } from "./resume-events.ts";
import { planRestart, planStart, type ReplayStart } from "./start-plan.ts";
import { TimeSlicer } from "./time-slicer.ts";

/** How many messages without a match one replay may look at before it waits, so that other work gets its turn. */
const MAX_UNMATCHED_MESSAGES = 400;

/** What a page counts towards `MAX_UNMATCHED_MESSAGES` at least: a page of large messages holds few of them. */
const MIN_PAGE_COST = 50;

/** A client as far as its replay is concerned. */
export interface ReplayClient extends PositionedClient {
  readonly clientId: string;
  readonly sink: FrameSink;
  /** Patterns of the topics of which the client receives private messages. */
  readonly rights: readonly string[];
  /** Whether a page is being read for the client or waits for its sink to drain. The replay continues after that. */
  awaitingDrain: boolean;
}

/** What the coordinator needs from its manager. */
export interface ReplayHost<Client extends ReplayClient> {
  readonly logger: Logger | undefined;
  readonly cursors: ResumeCursors;
  readonly isConnected: (client: Client) => boolean;
  readonly remove: (client: Client, reason: CloseReason) => void;
  /** Called when the client has everything that the live clients have, and receives live messages from now on. */
  readonly onLive: (client: Client) => void;
}

/**
 * Replays the history to clients until they have everything that the live clients have. A replay reads a page, writes it to the
 * client, waits until the client's sink has drained, and reads the next page. So a client never has more than a page waiting.
 */
export class ReplayCoordinator<Client extends ReplayClient> {
  readonly #host: ReplayHost<Client>;
  readonly #cursors: ResumeCursors;
  readonly #timeSlicer = new TimeSlicer();
  readonly #encoder = new TextEncoder();
  #log: LogReader | undefined;
  #replayed = 0;
  #recovered = 0;
  #unrecovered = 0;

  constructor(host: ReplayHost<Client>) {
    this.#host = host;
    this.#cursors = host.cursors;
  }

  get stats(): Pick<ManagerStats, "replayed" | "recovered" | "unrecovered"> {
    return {
      replayed: this.#replayed,
      recovered: this.#recovered,
      unrecovered: this.#unrecovered,
    };
  }

  /** Sets the log that replays read. Without a log every client is live at once. */
  readFrom(log: LogReader): void {
    this.#log = log;
  }

  /**
   * Starts a replay for a client with replaced keys. A client that misses nothing becomes live at once.
   *
   * @param earlierKeys The keys that the client had before.
   * @param keys All keys of the client now.
   */
  start(
    client: Client,
    earlierKeys: ReadonlySet<string>,
    keys: readonly string[],
    request: ReplayStart,
  ): void {
    const cursors = this.#cursors;
    const plan = planStart(client, earlierKeys, keys, request, cursors, this.#newestCount);
    client.replay = new ClientReplay(keys, plan.state, client.rights);
    if (plan.isUnrecovered) this.#sendUnrecovered(client);
    this.#advance(client);
  }

  /** Ends the replay of a client that has no keys any more. */
  cancel(client: Client): void {
    const hadReplay = client.replay !== undefined;
    client.replay = undefined;
    const cursor = this.#cursors.cursorOf(client);
    // The ids of a replay's last events may name no position to resume from.
    if (hadReplay && cursor !== undefined) this.#write(client, formatCursorEvent(cursor));
    this.#host.onLive(client);
  }

  /** Continues a client's replay after its sink has drained. */
  proceed(client: Client): void {
    client.awaitingDrain = false;
    this.#advance(client);
  }

  /** `ResumeCursors.cursorOf`; undefined without a history. */
  resumeCursorOf(client: Client): string | undefined {
    return this.#log?.keepsHistory === true ? this.#cursors.cursorOf(client) : undefined;
  }

  #advance(client: Client): void {
    const { replay } = client;
    if (replay === undefined || client.awaitingDrain || !this.#host.isConnected(client)) return;
    const live = this.#cursors.liveSequence;
    if (replay.hasReached(live)) {
      this.#finish(client, replay);
      return;
    }
    // A page can be larger than `maxBufferedBytes`, so it is written to an empty sink only.
    if (client.sink.bufferedBytes > 0) {
      this.#awaitDrain(client);
      return;
    }
    client.awaitingDrain = true;
    try {
      const page = this.#readPage(replay);
      if (page instanceof Promise) {
        page
          .then((entries) => this.#onPage(client, replay, entries, live))
          .catch((error) => this.#fail(client, error));
      } else {
        this.#onPage(client, replay, page, live);
      }
    } catch (error) {
      this.#fail(client, error);
    }
  }

  #readPage(replay: ClientReplay): MaybePromise<readonly LogEntry[] | undefined> {
    const { live } = this.#cursors;
    if (this.#log === undefined || live === undefined) return undefined;
    const cursor = formatCursor({ ...live, sequence: replay.next });
    return replay.isSearchingBack
      ? this.#log.readBack(cursor, REPLAY_PAGE.messages, REPLAY_PAGE.bytes)
      : this.#log.read(cursor, REPLAY_PAGE.messages, REPLAY_PAGE.bytes);
  }

  /** @param liveAtRead Sequence of the newest message when the page was requested. */
  #onPage(
    client: Client,
    replay: ClientReplay,
    page: readonly LogEntry[] | undefined,
    liveAtRead: number,
  ): void {
    if (!this.#host.isConnected(client)) return;
    client.awaitingDrain = false;
    if (client.replay !== replay) {
      // The client's subscriptions were replaced while the page was read, so the page belongs to an earlier replay.
      this.#advance(client);
    } else if (replay.isSearchingBack) {
      replay.searchBack(page ?? []);
      this.#skipPage(client, replay, page?.length ?? 0);
    } else if (page === undefined) {
      this.#restart(client, replay);
    } else if (page.length === 0 && !replay.hasReached(liveAtRead)) {
      this.#fail(client, "the log returned no messages, though it has delivered newer ones");
    } else {
      this.#sendPage(client, replay, page);
    }
  }

  #sendPage(client: Client, replay: ClientReplay, page: readonly LogEntry[]): void {
    const live = this.#cursors.liveSequence;
    const { text, frames } = replay.render(page, live);
    this.#replayed += frames;
    if (replay.hasReached(live)) this.#finish(client, replay, text);
    else if (text === "") this.#skipPage(client, replay, page.length);
    else if (this.#write(client, text)) this.#awaitDrain(client);
  }

  /** Continues after a page without a message for the client: at once, or later when there were many such messages. */
  #skipPage(client: Client, replay: ClientReplay, messages: number): void {
    replay.unmatchedMessages += Math.max(messages, MIN_PAGE_COST);
    if (replay.unmatchedMessages < MAX_UNMATCHED_MESSAGES) {
      this.#advance(client);
    } else {
      replay.unmatchedMessages = 0;
      this.#awaitDrain(client);
    }
  }

  /** Makes a client live. `text` is the last page, which is written together with the final event. */
  #finish(client: Client, replay: ClientReplay, text = ""): void {
    client.replay = undefined;
    if (replay.isResume) this.#recovered += 1;
    const end = text + formatFinalEvent(client, replay, this.#cursors);
    if (end !== "" && !this.#write(client, end)) return;
    this.#host.onLive(client);
  }

  /** Continues a replay of which the history no longer has the next messages. */
  #restart(client: Client, replay: ClientReplay): void {
    const plan = planRestart(replay, this.#cursors.liveSequence, this.#newestCount);
    client.replay = new ClientReplay(replay.keys, plan.state, client.rights);
    if (!plan.isUnrecovered) this.#awaitDrain(client);
    else if (this.#sendUnrecovered(client)) this.#advance(client);
  }

  #sendUnrecovered(client: Client): boolean {
    this.#unrecovered += 1;
    const id = this.#cursors.createEventId(client);
    if (client.replay !== undefined) client.replay.lastId = id;
    return this.#write(client, formatUnrecovered(id));
  }

  #write(client: Client, text: string): boolean {
    if (client.sink.write(this.#encoder.encode(text))) return true;
    this.#host.remove(client, "slow");
    return false;
  }

  #awaitDrain(client: Client): void {
    client.awaitingDrain = true;
    client.sink.onDrain(() => this.#timeSlicer.add(() => this.proceed(client)));
  }

  /** 0 without a history, because there is nothing to search. */
  readonly #newestCount = (key: string, defaultLast: number): number => {
    if (this.#log?.keepsHistory !== true) return 0;
    return parseSubscription(key).options.last ?? defaultLast;
  };

  #fail(client: Client, error: unknown): void {
    const { clientId } = client;
    this.#host.logger?.error("history can't be read", { clientId, error: String(error) });
    this.#host.remove(client, "error");
  }
}
