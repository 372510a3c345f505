import { nanoid } from "nanoid";
import { type Cursor, formatCursor, hashKey, parseCursor } from "../cursor.ts";
import { formatCursorEvent, formatSSEMessage } from "../sse.ts";
import { parseSubscription } from "../subscriptions/subscription-key.ts";
import type {
  CloseReason,
  FrameSink,
  LogEntry,
  Logger,
  LogReader,
  ManagerStats,
  StartPosition,
} from "../types.ts";
import { ClientReplay, REPLAY_PAGE } from "./client-replay.ts";
import { TimeSlicer } from "./time-slicer.ts";

/** Messages that are looked at without any for the client, before it is waited for and others get their turn. */
const MAX_UNMATCHED_MESSAGES = 400;
/** What a page counts for at least: few messages fill one when they are large. */
const MIN_PAGE_COST = 50;

/** A client as far as its replay goes. */
export interface ReplayClient {
  readonly clientId: string;
  readonly sink: FrameSink;
  /** Patterns of the topics whose private messages it may have. */
  readonly rights: readonly string[];
  /** Where its first subscriptions are to begin, said before there were any. */
  start: StartPosition | undefined;
  /** Set until it has what came before: it gets nothing live meanwhile. */
  replay: ClientReplay | undefined;
  /** A page is being read for it, or taken by it: what comes of that goes on with the replay. */
  awaitingDrain: boolean;
}

/** What the manager does for its replays. */
export interface ReplayHost<Client extends ReplayClient> {
  readonly logger: Logger | undefined;
  /** Of the message that was delivered last to those who are live. */
  readonly cursor: () => string;
  readonly isConnected: (client: Client) => boolean;
  readonly remove: (client: Client, reason: CloseReason) => void;
  /** It is live now. */
  readonly onLive: (client: Client) => void;
}

/** Where keys begin that join. */
interface ReplayStart extends StartPosition {
  /** The client knows of its place from its connect, and is not told again. */
  readonly isInitial?: boolean;
  /** Keys that it had reach private messages now that they did not: of before, those are missing. */
  readonly rightsExpanded?: boolean;
}

/** Serves clients from the history until they have come to the present. */
export class ReplayCoordinator<Client extends ReplayClient> {
  readonly #host: ReplayHost<Client>;
  readonly #timeSlicer = new TimeSlicer();
  readonly #encoder = new TextEncoder();
  #log: LogReader | undefined;
  #replayed = 0;
  #recovered = 0;
  #unrecovered = 0;

  constructor(host: ReplayHost<Client>) {
    this.#host = host;
  }

  get stats(): Pick<ManagerStats, "replayed" | "recovered" | "unrecovered"> {
    return {
      replayed: this.#replayed,
      recovered: this.#recovered,
      unrecovered: this.#unrecovered,
    };
  }

  readFrom(log: LogReader): void {
    this.#log = log;
  }

  /**
   * Leads a client's keys to the present.
   *
   * @param held Those it had before.
   * @param keys All it has now.
   */
  start(
    client: Client,
    held: ReadonlySet<string>,
    keys: readonly string[],
    { lastEventId, last = 0, isInitial = false, rightsExpanded = false }: ReplayStart,
  ): void {
    const { sequence: now = 0 } = this.#now ?? {};
    const from = lastEventId === undefined ? undefined : this.parseEventId(lastEventId);
    const old = client.replay;
    const before = old?.state;
    const positions = keys.map((key) => {
      if (held.has(key)) return old?.positionOf(key) ?? now;
      return from === undefined ? -this.#lastOf(key, last) || now : positionAfter(from, key);
    });
    const position = earliest(positions, now);
    const isAsked = lastEventId !== undefined && !isInitial;
    const joining = keys.filter((key) => !held.has(key));
    // Keys that it had began no earlier than the stream: what they missed before is not sent now.
    const began = this.parseEventId(client.clientId)?.sequence ?? 0;
    const isBefore = from !== undefined && from.sequence < began && joining.length < keys.length;
    const isLost = isAsked && (from === undefined || rightsExpanded || isBefore);
    let floor = joining.length === 0 ? (before?.unsafeUntil ?? 0) : (old?.reached ?? now);
    if (joining.length === keys.length) floor = 0;
    const state = {
      position,
      positions,
      last,
      keyHash:
        position === before?.position
          ? before.keyHash
          : position === from?.sequence
            ? from.keyHash
            : undefined,
      newestAtStart: before !== undefined && old?.isSearchingBack ? before.newestAtStart : now,
      unsafeUntil: isLost ? now : floor,
      replayed: before?.replayed ?? 0,
      isResume: (isAsked && !isLost) || (before?.isResume ?? false),
      hasMoved: old !== undefined || (isLost && from !== undefined),
    };
    client.replay = new ClientReplay(keys, state, client.rights);
    if (isLost) this.#sendUnrecovered(client);
    this.#advance(client);
  }

  /** It has nothing to be replayed any more. */
  cancel(client: Client): void {
    const { replay } = client;
    client.replay = undefined;
    const place = this.#cursorOf(client);
    // The ids that it had last may name no place.
    if (replay !== undefined && place !== undefined) this.#write(client, formatCursorEvent(place));
    this.#host.onLive(client);
  }

  /** The client has taken what it was given: goes on at once. */
  proceed(client: Client): void {
    client.awaitingDrain = false;
    this.#advance(client);
  }

  /** An id for an event that is for this client alone: it can be resumed from, and nothing is missed then. */
  createEventId(client: Client): string {
    const place = this.#cursorOf(client);
    return place === undefined ? nanoid() : `${place}.${nanoid()}`;
  }

  /** The place in this log that an event id names. Whether the history still has it shows in reading. */
  parseEventId(eventId: string): Cursor | undefined {
    const now = this.#now;
    const place = parseCursor(eventId);
    if (now === undefined || place === undefined) return undefined;
    const isOurs = place.shard === now.shard && place.epoch === now.epoch;
    return isOurs && place.sequence <= now.sequence ? place : undefined;
  }

  get #now(): Cursor | undefined {
    return parseCursor(this.#host.cursor());
  }

  resumeCursorOf(client: Client): string | undefined {
    return this.#log?.keepsHistory === true ? this.#cursorOf(client) : undefined;
  }

  #cursorOf({ replay, start }: Client): string | undefined {
    const now = this.#now;
    if (now === undefined) return undefined;
    if (replay !== undefined)
      return replay.resumePosition && formatCursor({ ...now, ...replay.resumePosition });
    if (start?.lastEventId !== undefined) {
      const place = this.parseEventId(start.lastEventId);
      return place && formatCursor(place);
    }
    return start?.last ? undefined : formatCursor(now);
  }

  #advance(client: Client): void {
    const { replay } = client;
    if (replay === undefined || client.awaitingDrain || !this.#host.isConnected(client)) return;
    if (replay.hasReached(this.#now?.sequence ?? 0)) {
      this.#finish(client, replay);
      return;
    }
    // A page is larger than some bounds on what may wait: it goes to clients for which nothing does.
    if (client.sink.bufferedBytes > 0) {
      this.#awaitDrain(client);
      return;
    }
    client.awaitingDrain = true;
    const asked = this.#now?.sequence ?? 0;
    try {
      const page = this.#readPage(replay);
      if (page instanceof Promise) {
        page
          .then((entries) => this.#onPage(client, replay, entries, asked))
          .catch((error) => this.#fail(client, error));
      } else {
        this.#onPage(client, replay, page, asked);
      }
    } catch (error) {
      this.#fail(client, error);
    }
  }

  #readPage(replay: ClientReplay) {
    const now = this.#now;
    if (this.#log === undefined || now === undefined) return undefined;
    const cursor = formatCursor({ ...now, sequence: replay.next });
    return replay.isSearchingBack
      ? this.#log.readBack(cursor, REPLAY_PAGE.messages, REPLAY_PAGE.bytes)
      : this.#log.read(cursor, REPLAY_PAGE.messages, REPLAY_PAGE.bytes);
  }

  /** @param asked Sequence of the newest message when it was read. */
  #onPage(
    client: Client,
    replay: ClientReplay,
    page: readonly LogEntry[] | undefined,
    asked: number,
  ): void {
    if (!this.#host.isConnected(client)) return;
    client.awaitingDrain = false;
    if (client.replay !== replay) {
      // Its subscriptions were set anew meanwhile.
      this.#advance(client);
    } else if (replay.isSearchingBack) {
      replay.searchBack(page ?? []);
      this.#skipPage(client, replay, page?.length ?? 0);
    } else if (page === undefined) {
      this.#restartUnrecovered(client, replay);
    } else if (page.length === 0 && !replay.hasReached(asked)) {
      this.#fail(client, "the log does not have what it has delivered");
    } else {
      this.#sendPage(client, replay, page);
    }
  }

  #sendPage(client: Client, replay: ClientReplay, page: readonly LogEntry[]): void {
    const now = this.#now?.sequence ?? 0;
    const { text, frames } = replay.render(page, now);
    this.#replayed += frames;
    if (replay.hasReached(now)) this.#finish(client, replay, text);
    else if (text === "") this.#skipPage(client, replay, page.length);
    else if (this.#write(client, text)) this.#awaitDrain(client);
  }

  /** After a page that had nothing for the client: with the next, unless it were too many of these at once. */
  #skipPage(client: Client, replay: ClientReplay, messages: number): void {
    replay.unmatchedMessages += Math.max(messages, MIN_PAGE_COST);
    if (replay.unmatchedMessages < MAX_UNMATCHED_MESSAGES) {
      this.#advance(client);
    } else {
      replay.unmatchedMessages = 0;
      this.#awaitDrain(client);
    }
  }

  #finish(client: Client, replay: ClientReplay, text = ""): void {
    client.replay = undefined;
    const id = this.createEventId(client);
    const cursor = this.#host.cursor();
    // Reading a cursor ignores what follows a dot, which PB_RESUME's id has.
    const isTold = replay.lastId?.split(".")[0] === cursor;
    const { isResume, replayed, hasMoved } = replay.state;
    if (isResume) this.#recovered += 1;
    // Without PB_RESUME, PB_CURSOR tells the client the cursor of the present, unless the last event has just told it.
    const end = isResume
      ? resumeEvent({ recovered: true, replayed }, id)
      : hasMoved && !isTold
        ? formatCursorEvent(cursor)
        : "";
    if (text + end !== "" && !this.#write(client, text + end)) return;
    this.#host.onLive(client);
  }

  /**
   * The history does not have what comes next. The keys that wait for it go on with their newest messages or with the
   * present, the others with what is there still.
   */
  #restartUnrecovered(client: Client, replay: ClientReplay): void {
    const now = this.#now?.sequence ?? 0;
    const { state } = replay;
    const isBegun = state.replayed > 0;
    // Nothing is missing yet when only the newest were on their way and the oldest of them has just left.
    let isMissed = isBegun || state.isResume || state.position >= state.newestAtStart;
    const positions = replay.keys.map((key) => {
      const place = replay.positionOf(key);
      if (place > state.position) return place;
      const last = isBegun ? 0 : this.#lastOf(key, state.last);
      isMissed ||= last === 0;
      return -last || now;
    });
    const changed = {
      ...state,
      position: earliest(positions, now),
      keyHash: undefined,
      positions,
      ...(isMissed && { newestAtStart: now, unsafeUntil: now, isResume: false }),
    };
    client.replay = new ClientReplay(replay.keys, changed, client.rights);
    if (!isMissed) this.#awaitDrain(client);
    else if (this.#sendUnrecovered(client)) this.#advance(client);
  }

  #sendUnrecovered(client: Client): boolean {
    this.#unrecovered += 1;
    const id = this.createEventId(client);
    if (client.replay !== undefined) client.replay.lastId = id;
    return this.#write(client, resumeEvent({ recovered: false }, id));
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

  /** With how many of its newest messages a key begins; a log that keeps none has none to begin with. */
  #lastOf(key: string, otherwise: number): number {
    if (this.#log?.keepsHistory !== true) return 0;
    return parseSubscription(key).options.last ?? otherwise;
  }

  #fail(client: Client, error: unknown): void {
    const { clientId } = client;
    this.#host.logger?.error("history can't be read", { clientId, error: String(error) });
    this.#host.remove(client, "error");
  }
}

/** The sequence behind which a key's messages count that goes on from a place. */
function positionAfter({ sequence, keyHash }: Cursor, key: string): number {
  return keyHash !== undefined && hashKey(key) <= keyHash ? sequence + 1 : sequence;
}

/** The earliest of the places that are known. */
function earliest(places: readonly number[], now: number): number {
  return Math.min(now, ...places.filter((place) => place >= 0));
}

function resumeEvent(data: object, id: string): string {
  return formatSSEMessage({ event: "PB_RESUME", data, id });
}
