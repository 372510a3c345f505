import { nanoid } from "nanoid";
import { type Cursor, formatCursor, keyMark, parseCursor } from "../cursor.ts";
import { formatCursorEvent, formatSSEMessage } from "../sse.ts";
import { parseSubscription } from "../subscriptions/subscription-key.ts";
import type {
  CloseReason,
  FrameSink,
  LogEntry,
  Logger,
  LogReader,
  ManagerStats,
  Start,
} from "../types.ts";
import { PAGE, Replay } from "./client-replay.ts";
import { Turns } from "./time-slicer.ts";

/** Messages that are looked at without any for the client, before it is waited for and others get their turn. */
const IDLE_MESSAGES = 400;
/** What a page counts for at least: few messages fill one when they are large. */
const LEAST_OF_A_PAGE = 50;

/** A client as far as its replay goes. */
export interface ReplayClient {
  readonly clientId: string;
  readonly sink: FrameSink;
  /** Patterns of the topics whose private messages it may have. */
  readonly rights: readonly string[];
  /** Where its first subscriptions are to begin, said before there were any. */
  start: Start | undefined;
  /** Set until it has what came before: it gets nothing live meanwhile. */
  replay: Replay | undefined;
  /** A page is being read for it, or taken by it: what comes of that goes on with the replay. */
  isBusy: boolean;
}

/** What the manager does for its replays. */
export interface ReplayHost<Client extends ReplayClient> {
  readonly logger: Logger | undefined;
  /** Of the message that was delivered last to those who are live. */
  readonly cursor: () => string;
  readonly isHere: (client: Client) => boolean;
  readonly remove: (client: Client, reason: CloseReason) => void;
  /** It is live now. */
  readonly ended: (client: Client) => void;
}

/** Where keys begin that join. */
interface Beginning extends Start {
  /** The client knows of its place from its connect, and is not told again. */
  readonly isFirst?: boolean;
  /** Keys that it had reach private messages now that they did not: of before, those are missing. */
  readonly isWider?: boolean;
}

/** Serves clients from the history until they have come to the present. */
export class Replays<Client extends ReplayClient> {
  readonly #host: ReplayHost<Client>;
  readonly #turns = new Turns();
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
  begin(
    client: Client,
    held: ReadonlySet<string>,
    keys: readonly string[],
    { lastEventId, last = 0, isFirst = false, isWider = false }: Beginning,
  ): void {
    const { sequence: now = 0 } = this.#now ?? {};
    const from = lastEventId === undefined ? undefined : this.placeOf(lastEventId);
    const old = client.replay;
    const before = old?.state;
    const places = keys.map((key) => {
      if (held.has(key)) return old?.placeOf(key) ?? now;
      return from === undefined ? -this.#lastOf(key, last) || now : placeFrom(from, key);
    });
    const at = earliest(places, now);
    const isAsked = lastEventId !== undefined && !isFirst;
    const joining = keys.filter((key) => !held.has(key));
    // Keys that it had began no earlier than the stream: what they missed before is not sent now.
    const began = this.placeOf(client.clientId)?.sequence ?? 0;
    const isBefore = from !== undefined && from.sequence < began && joining.length < keys.length;
    const isLost = isAsked && (from === undefined || isWider || isBefore);
    let floor = joining.length === 0 ? (before?.floor ?? 0) : (old?.reached ?? now);
    if (joining.length === keys.length) floor = 0;
    const state = {
      ...{ at, places, last },
      key: at === before?.at ? before.key : at === from?.sequence ? from.key : undefined,
      origin: before !== undefined && old?.isFinding ? before.origin : now,
      floor: isLost ? now : floor,
      replayed: before?.replayed ?? 0,
      isResume: (isAsked && !isLost) || (before?.isResume ?? false),
      hasMoved: old !== undefined || (isLost && from !== undefined),
    };
    client.replay = new Replay(keys, state, client.rights);
    if (isLost) this.#tellLost(client);
    this.#goOn(client);
  }

  /** It has nothing to be replayed any more. */
  cancel(client: Client): void {
    const { replay } = client;
    client.replay = undefined;
    const place = this.#placeOf(client);
    // The ids that it had last may name no place.
    if (replay !== undefined && place !== undefined) this.#write(client, formatCursorEvent(place));
    this.#host.ended(client);
  }

  /** The client has taken what it was given: goes on at once. */
  proceed(client: Client): void {
    client.isBusy = false;
    this.#goOn(client);
  }

  /** An id for an event that is for this client alone: it can be resumed from, and nothing is missed then. */
  ownId(client: Client): string {
    const place = this.#placeOf(client);
    return place === undefined ? nanoid() : `${place}.${nanoid()}`;
  }

  /** The place in this log that an event id names. Whether the history still has it shows in reading. */
  placeOf(eventId: string): Cursor | undefined {
    const now = this.#now;
    const place = parseCursor(eventId);
    if (now === undefined || place === undefined) return undefined;
    const isOurs = place.shard === now.shard && place.life === now.life;
    return isOurs && place.sequence <= now.sequence ? place : undefined;
  }

  get #now(): Cursor | undefined {
    return parseCursor(this.#host.cursor());
  }

  placeOfClient(client: Client): string | undefined {
    return this.#log?.keepsHistory === true ? this.#placeOf(client) : undefined;
  }

  #placeOf({ replay, start }: Client): string | undefined {
    const now = this.#now;
    if (now === undefined) return undefined;
    if (replay !== undefined) return replay.place && formatCursor({ ...now, ...replay.place });
    if (start?.lastEventId !== undefined) {
      const place = this.placeOf(start.lastEventId);
      return place && formatCursor(place);
    }
    return start?.last ? undefined : formatCursor(now);
  }

  #goOn(client: Client): void {
    const { replay } = client;
    if (replay === undefined || client.isBusy || !this.#host.isHere(client)) return;
    if (replay.isAt(this.#now?.sequence ?? 0)) {
      this.#finish(client, replay);
      return;
    }
    // A page is larger than some bounds on what may wait: it goes to clients for which nothing does.
    if (client.sink.bufferedBytes > 0) {
      this.#wait(client);
      return;
    }
    client.isBusy = true;
    const asked = this.#now?.sequence ?? 0;
    try {
      const page = this.#read(replay);
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

  #read(replay: Replay) {
    const now = this.#now;
    if (this.#log === undefined || now === undefined) return undefined;
    const cursor = formatCursor({ ...now, sequence: replay.next });
    return replay.isFinding
      ? this.#log.readBack(cursor, PAGE.messages, PAGE.bytes)
      : this.#log.read(cursor, PAGE.messages, PAGE.bytes);
  }

  /** @param asked Sequence of the newest message when it was read. */
  #onPage(
    client: Client,
    replay: Replay,
    page: readonly LogEntry[] | undefined,
    asked: number,
  ): void {
    if (!this.#host.isHere(client)) return;
    client.isBusy = false;
    if (client.replay !== replay) {
      // Its subscriptions were set anew meanwhile.
      this.#goOn(client);
    } else if (replay.isFinding) {
      replay.find(page ?? []);
      this.#goOnWithout(client, replay, page?.length ?? 0);
    } else if (page === undefined) {
      this.#lose(client, replay);
    } else if (page.length === 0 && !replay.isAt(asked)) {
      this.#fail(client, "the log does not have what it has delivered");
    } else {
      this.#give(client, replay, page);
    }
  }

  #give(client: Client, replay: Replay, page: readonly LogEntry[]): void {
    const now = this.#now?.sequence ?? 0;
    const { text, frames } = replay.take(page, now);
    this.#replayed += frames;
    if (replay.isAt(now)) this.#finish(client, replay, text);
    else if (text === "") this.#goOnWithout(client, replay, page.length);
    else if (this.#write(client, text)) this.#wait(client);
  }

  /** After a page that had nothing for the client: with the next, unless it were too many of these at once. */
  #goOnWithout(client: Client, replay: Replay, messages: number): void {
    replay.idleMessages += Math.max(messages, LEAST_OF_A_PAGE);
    if (replay.idleMessages < IDLE_MESSAGES) {
      this.#goOn(client);
    } else {
      replay.idleMessages = 0;
      this.#wait(client);
    }
  }

  #finish(client: Client, replay: Replay, text = ""): void {
    client.replay = undefined;
    const id = this.ownId(client);
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
    this.#host.ended(client);
  }

  /**
   * The history does not have what comes next. The keys that wait for it go on with their newest messages or with the
   * present, the others with what is there still.
   */
  #lose(client: Client, replay: Replay): void {
    const now = this.#now?.sequence ?? 0;
    const { state } = replay;
    const isBegun = state.replayed > 0;
    // Nothing is missing yet when only the newest were on their way and the oldest of them has just left.
    let isMissed = isBegun || state.isResume || state.at >= state.origin;
    const places = replay.keys.map((key) => {
      const place = replay.placeOf(key);
      if (place > state.at) return place;
      const last = isBegun ? 0 : this.#lastOf(key, state.last);
      isMissed ||= last === 0;
      return -last || now;
    });
    const changed = {
      ...{ ...state, at: earliest(places, now), key: undefined, places },
      ...(isMissed && { origin: now, floor: now, isResume: false }),
    };
    client.replay = new Replay(replay.keys, changed, client.rights);
    if (!isMissed) this.#wait(client);
    else if (this.#tellLost(client)) this.#goOn(client);
  }

  #tellLost(client: Client): boolean {
    this.#unrecovered += 1;
    const id = this.ownId(client);
    if (client.replay !== undefined) client.replay.lastId = id;
    return this.#write(client, resumeEvent({ recovered: false }, id));
  }

  #write(client: Client, text: string): boolean {
    if (client.sink.write(this.#encoder.encode(text))) return true;
    this.#host.remove(client, "slow");
    return false;
  }

  #wait(client: Client): void {
    client.isBusy = true;
    client.sink.drained(() => this.#turns.add(() => this.proceed(client)));
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
function placeFrom({ sequence, key: mark }: Cursor, key: string): number {
  return mark !== undefined && keyMark(key) <= mark ? sequence + 1 : sequence;
}

/** The earliest of the places that are known. */
function earliest(places: readonly number[], now: number): number {
  return Math.min(now, ...places.filter((place) => place >= 0));
}

function resumeEvent(data: object, id: string): string {
  return formatSSEMessage({ event: "PB_RESUME", data, id });
}
