import type {
  MembersEvent,
  PresenceCounts,
  PresenceStore,
} from "../../realtime/presence/presence.ts";
import type { PresenceSupport } from "../../realtime/presence/presence-support.ts";
import type { MaybePromise } from "../../realtime/types.ts";
import { noPresence } from "../connect.ts";
import type { InfoRequest, TopicPage } from "../registry.ts";

/** A store of members that also answers questions. */
export interface MembersStore extends PresenceStore {
  /** Returns the members of a topic. May throw `unreachable`. */
  membersOf(topic: string): Promise<MembersEvent>;
  /** Returns the numbers of members and guests, in the order of the topics. May throw `unreachable`. */
  countsOf(topics: readonly string[]): MaybePromise<readonly PresenceCounts[]>;
}

/** The members of topics, for a registry. */
export class RegistryMembers {
  readonly #presence: PresenceSupport | undefined;
  readonly #store: MembersStore | undefined;

  /**
   * @param presence Undefined if the manager has no presence. No topic has members then.
   * @param onDue As for `PresenceSupport.connect`.
   */
  constructor(
    presence: PresenceSupport | undefined,
    createStore: (presence: PresenceSupport) => MembersStore,
    onDue: () => void,
  ) {
    this.#presence = presence;
    this.#store = presence && createStore(presence);
    if (this.#store !== undefined) presence?.connect(this.#store, onDue);
  }

  /** `ClientRegistry.members`. */
  async membersOf(topic: string): Promise<MembersEvent> {
    if (this.#store === undefined || !this.#presence?.hasPresence(topic)) throw noPresence(topic);
    return this.#store.membersOf(topic);
  }

  /** Adds the numbers of members and guests to the topics with presence of a page. */
  async withCounts(page: TopicPage): Promise<TopicPage> {
    const present = page.topics.filter(({ topic }) => this.#presence?.hasPresence(topic));
    const names = present.map(({ topic }) => topic);
    if (names.length === 0 || this.#store === undefined) return page;
    const counts = await this.#store.countsOf(names);
    const byTopic = new Map(names.map((topic, index) => [topic, counts[index]]));
    return { ...page, topics: page.topics.map((one) => ({ ...one, ...byTopic.get(one.topic) })) };
  }

  /** `ClientRegistry.extendInfo`. */
  extendInfo({ clientId, topic, info, principal }: InfoRequest): void {
    if (!this.#presence?.hasPresence(topic)) throw noPresence(topic);
    this.#presence.extendInfo(clientId, topic, info, principal);
  }
}
