import { formatCursor } from "../cursor.ts";
import { PRESENCE_PREFIX } from "../presence/presence.ts";
import { formatCursorEvent } from "../sse.ts";
import { parseSubscription } from "../subscriptions/subscription-key.ts";
import type { LogPage, LogReader, ManagerStats, MaybePromise } from "../types.ts";
import { ClientReplay, REPLAY_PAGE } from "./client-replay.ts";
import type { ReplayClient, ReplayHost } from "./replay-host.ts";
import type { ResumeCursors } from "./resume-cursors.ts";
import { formatFinalEvent, formatUnrecovered } from "./resume-events.ts";
import { planRestart, planStart, type ReplayStart, type RestartPlan } from "./start-plan.ts";
import { TimeSlicer } from "./time-slicer.ts";

/** A replay that has read this many messages in pages without a frame for its client pauses, so that other work can run. */
const MAX_UNMATCHED_MESSAGES = 400;

/**
 * The minimum that a page without a frame counts towards `MAX_UNMATCHED_MESSAGES`. A page of a few large messages takes as
 * long to read as a page of many small messages.
 */
const MIN_PAGE_COST = 50;

/**
 * Replays the history to clients until they have received all messages that were delivered to live clients. A replay reads a
 * page, writes the page to the client's sink, waits until the sink has drained, and reads the next page. At most one page of a
 * replay is therefore waiting for a client.
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

  /** Sets the log that replays read. Without a log, every client is live at once. */
  readFrom(log: LogReader): void {
    this.#log = log;
  }

  /**
   * Starts a replay for a client with replaced keys. A client that has missed no message becomes live at once.
   *
   * @param earlierKeys The keys that the client had before.
   * @param keys All keys of the client now.
   * @param onPlanned Called when the client's position is known, before anything is sent.
   */
  start(
    client: Client,
    earlierKeys: ReadonlySet<string>,
    keys: readonly string[],
    request: ReplayStart,
    onPlanned?: () => void,
  ): void {
    const cursors = this.#cursors;
    const plan = planStart(client, earlierKeys, keys, request, cursors, this.#newestCount);
    client.replay = new ClientReplay(keys, plan.state, client, this.#host.contents);
    onPlanned?.();
    if (plan.isUnrecovered) this.#sendUnrecovered(client);
    this.#advance(client);
  }

  /** Ends the replay of a client that no longer has any keys. */
  cancel(client: Client): void {
    const hadReplay = client.replay !== undefined;
    client.replay = undefined;
    const cursor = this.#cursors.cursorOf(client);
    // The ids of a replay's last events may contain no cursor to resume from.
    if (hadReplay && cursor !== undefined) this.#write(client, formatCursorEvent(cursor));
    this.#host.onLive(client);
  }

  /** Continues a client's replay after its sink has drained. */
  proceed(client: Client): void {
    client.awaitingDrain = false;
    this.#advance(client);
  }

  /** Sends PB_RESUME with `recovered: false` to a client. The client's replay, if there is one, continues with the plan. */
  continueUnrecovered(client: Client, plan: RestartPlan | undefined): void {
    this.replace(client, plan);
    if (this.#sendUnrecovered(client)) this.#advance(client);
  }

  /** Gives a client with a replay the plan of another replay of the same keys. */
  replace(client: Client, plan: RestartPlan | undefined): void {
    if (client.replay === undefined || plan === undefined) return;
    const { keys } = client.replay;
    client.replay = new ClientReplay(keys, plan.state, client, this.#host.contents);
  }

  /** Returns `ResumeCursors.cursorOf`, or undefined if the log keeps no history. */
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
    // A sink accepts a page that is larger than `maxBufferedBytes` only while it is empty.
    if (client.sink.bufferedBytes > 0) {
      this.#awaitDrain(client);
      return;
    }
    client.awaitingDrain = true;
    try {
      const page = this.#readPage(replay);
      if (page instanceof Promise) {
        page
          .then((read) => this.#onPage(client, replay, read, live))
          .catch((error) => this.#fail(client, error));
      } else {
        this.#onPage(client, replay, page, live);
      }
    } catch (error) {
      this.#fail(client, error);
    }
  }

  #readPage(replay: ClientReplay): MaybePromise<LogPage | undefined> {
    const { live } = this.#cursors;
    if (this.#log === undefined || live === undefined) return undefined;
    const cursor = formatCursor({ ...live, sequence: replay.next });
    const { messages, bytes } = REPLAY_PAGE;
    return replay.isSearchingBack
      ? this.#log.readBack(cursor, messages, bytes, replay.topics)
      : this.#log.read(cursor, messages, bytes, replay.topics);
  }

  /** @param liveAtRead Sequence of the newest delivered message when the page was requested. */
  #onPage(
    client: Client,
    replay: ClientReplay,
    page: LogPage | undefined,
    liveAtRead: number,
  ): void {
    if (!this.#host.isConnected(client)) return;
    client.awaitingDrain = false;
    if (client.replay !== replay) {
      // The client's subscriptions were replaced while the page was being read, so the page belongs to an earlier replay.
      this.#advance(client);
    } else if (page === undefined) {
      // A log that no longer knows its own cursors has lost everything.
      this.#restart(client, replay, Number.POSITIVE_INFINITY);
    } else if (replay.keys.some((key) => replay.hasLost(key, page.trimmedTo))) {
      this.#restart(client, replay, page.trimmedTo);
    } else if (replay.isSearchingBack) {
      replay.searchBack(page);
      this.#skipPage(client, replay, page.entries.length);
    } else {
      this.#sendPage(client, replay, page, liveAtRead);
    }
  }

  #sendPage(client: Client, replay: ClientReplay, page: LogPage, liveAtRead: number): void {
    const live = this.#cursors.liveSequence;
    const before = replay.next;
    const { text, frames } = replay.render(page, live);
    this.#replayed += frames;
    if (replay.hasReached(live)) this.#finish(client, replay, text);
    else if (text !== "") {
      if (this.#write(client, text)) this.#awaitDrain(client);
    } else if (replay.next > before || replay.hasReached(liveAtRead)) {
      this.#skipPage(client, replay, page.entries.length);
    } else {
      this.#fail(client, "the log returned no messages, but it has delivered newer messages");
    }
  }

  /** Continues after a page without a frame for the client: at once, or after a pause if such pages had many messages. */
  #skipPage(client: Client, replay: ClientReplay, messages: number): void {
    replay.unmatchedMessages += Math.max(messages, MIN_PAGE_COST);
    if (replay.unmatchedMessages < MAX_UNMATCHED_MESSAGES) {
      this.#advance(client);
    } else {
      replay.unmatchedMessages = 0;
      this.#awaitDrain(client);
    }
  }

  /**
   * Makes a client live.
   *
   * @param text The frames of the last page. They are written together with the final event.
   */
  #finish(client: Client, replay: ClientReplay, text = ""): void {
    client.replay = undefined;
    if (replay.isResume) this.#recovered += 1;
    const end = text + formatFinalEvent(client, replay, this.#cursors);
    if (end !== "" && !this.#write(client, end)) return;
    this.#host.onLive(client);
  }

  /** Continues a replay after the history has lost messages up to `trimmedTo`. */
  #restart(client: Client, replay: ClientReplay, trimmedTo: number): void {
    const live = this.#cursors.liveSequence;
    const plan = planRestart(replay, live, trimmedTo, this.#newestCount);
    if (plan.isUnrecovered) {
      this.continueUnrecovered(client, plan);
    } else {
      this.replace(client, plan);
      this.#awaitDrain(client);
    }
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

  /**
   * Implements `NewestCount`. Returns 0 if the log keeps no history, because there are no messages to find, and for a presence
   * topic, because its subscribers get the current members.
   */
  readonly #newestCount = (key: string, defaultLast: number): number => {
    if (this.#log?.keepsHistory !== true || key.startsWith(PRESENCE_PREFIX)) return 0;
    return parseSubscription(key).options.last ?? defaultLast;
  };

  #fail(client: Client, error: unknown): void {
    const { clientId } = client;
    this.#host.logger?.error("history can't be read", { clientId, error: String(error) });
    this.#host.remove(client, "error");
  }
}
