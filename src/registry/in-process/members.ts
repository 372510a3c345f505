import type { MembersEvent, PresenceStore } from "../../realtime/presence/presence.ts";
import type { PresenceSupport } from "../../realtime/presence/presence-support.ts";
import { noPresence } from "../connect.ts";
import type { InfoRequest } from "../registry.ts";

/** A store of members that also answers questions. */
export interface MembersStore extends PresenceStore {
  /** Returns the members of a topic. May throw `unreachable`. */
  membersOf(topic: string): Promise<MembersEvent>;
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

  /** `ClientRegistry.extendInfo`. */
  extendInfo({ clientId, topic, info, principal }: InfoRequest): void {
    if (!this.#presence?.hasPresence(topic)) throw noPresence(topic);
    this.#presence.extendInfo(clientId, topic, info, principal);
  }
}
