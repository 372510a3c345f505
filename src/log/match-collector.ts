import { compileRights, type Rights } from "../realtime/access/rights.ts";
import type { MessageContents } from "../realtime/records/message-contents.ts";
import type { Subscribed } from "../realtime/records/selection.ts";
import { type Viewer, viewerOf } from "../realtime/records/viewer.ts";
import { maySelect, topicOf } from "../realtime/subscriptions/subscription-key.ts";
import type { LogEntry, Principal } from "../realtime/types.ts";

/** Maximum size of the data in one page, in UTF-16 code units. The first message is included whatever its size. */
const MAX_PAGE_DATA = 4 * 1024 * 1024;

/** Cost of the decisions after which a slice of a scan ends early (realtime/records/message-content.ts, `takeCost`). */
const MAX_SLICE_COST = 20_000;

/** Collects the entries that match a request, up to the size of a page. */
export class MatchCollector {
  /** In the order of the scan. */
  readonly entries: LogEntry[] = [];
  /** The topics and patterns of the subscription keys. */
  readonly topics: readonly string[];
  readonly #covered: Rights;
  /** Each subscription key with its topic. */
  readonly #keys: readonly KeyPattern[];
  readonly #rights: Rights;
  readonly #viewer: Viewer;
  readonly #contents: MessageContents;
  readonly #limit: number;
  #size = 0;
  #cost = 0;

  /**
   * @param topics Subscription keys.
   * @param limit Maximum number of entries.
   * @param contents Applies rules and the options of the keys.
   */
  constructor(
    { topics, limit }: { readonly topics: readonly string[]; readonly limit: number },
    contents: MessageContents,
    reader: Principal,
  ) {
    const keys = topics.filter((key) => key !== "");
    this.#keys = keys.map((key) => ({ key, topic: topicOf(key), maySelect: maySelect(key) }));
    this.topics = this.#keys.map(({ topic }) => topic);
    this.#covered = compileRights(this.topics);
    this.#rights = compileRights(reader.rights ?? []);
    this.#viewer = viewerOf(reader);
    this.#contents = contents;
    this.#limit = limit;
  }

  /** Adds an entry if it matches. Returns false when the entry matches, but the page is full. */
  offer(entry: LogEntry): boolean {
    const data = this.#dataOf(entry);
    if (data === undefined) return true;
    this.#size += data.length;
    const isFull = this.entries.length >= this.#limit;
    if (isFull || (this.#size > MAX_PAGE_DATA && this.entries.length > 0)) return false;
    this.entries.push(withData(entry, data));
    return true;
  }

  /** Whether the decisions of this slice have cost so much that the slice must end. If so, the cost counts from 0 again. */
  endsSlice(): boolean {
    const isOver = this.#cost > MAX_SLICE_COST;
    if (isOver) this.#cost = 0;
    return isOver;
  }

  /** The data for the first key that receives the message. Undefined if no key does. */
  #dataOf(entry: LogEntry): string | undefined {
    const { topics, private: isPrivate } = entry.message;
    const covered = topics.filter(
      (topic) => this.#covered.covers(topic) && (!isPrivate || this.#rights.covers(topic)),
    );
    if (covered.length === 0) return undefined;
    const content = this.#contents.kept(entry);
    for (const pattern of this.#keys) {
      pattern.compiled ??= compileRights([pattern.topic]);
      if (!covered.some(pattern.compiled.covers)) continue;
      const data = content.dataFor(pattern, this.#viewer);
      this.#cost += content.takeCost();
      if (data !== undefined) return data;
    }
    return undefined;
  }
}

/** A subscription key of the request. */
interface KeyPattern extends Subscribed {
  /** The topics that match the key. Compiled on first use. */
  compiled?: Rights;
}

/**
 * Returns an entry with the data for the reader. `Message.change` is left out, because the limit of a page's data does not
 * count it, and a hub would otherwise send it to the Worker.
 */
function withData(entry: LogEntry, data: string): LogEntry {
  const { change, ...message } = entry.message;
  if (change === undefined && data === message.data) return entry;
  return { ...entry, message: { ...message, data } };
}
