import { checkSubscriber } from "../access/check-subscriber.ts";
import type { Client } from "../clients/client.ts";
import type { ManagerCore } from "../manager-core.ts";
import type { TopicRules } from "../topic-rules.ts";
import type { Principal } from "../types.ts";
import type { Milliseconds } from "../units.ts";
import type { MemberInfo, PresenceStore, ReportedMember } from "./presence.ts";

/** The presence of a manager, for adapters. */
export interface PresenceSupport {
  readonly rules: TopicRules;
  /** `PresenceOptions.grace`. */
  readonly grace: Milliseconds;
  /**
   * Sets the store that gets the reports.
   *
   * @param onDue Called when `RealtimeManager.expiresIn` has become earlier because of presence.
   */
  connect(store: PresenceStore, onDue?: () => void): void;
  /** Whether a topic has presence. */
  hasPresence(topic: string): boolean;
  /** `PresenceTracker.restore`. */
  restore(topic: string, members: readonly ReportedMember[], guests: number): void;
  /** `PresenceTracker.repeat`, for a store that has lost reports. */
  repeat(topics?: Iterable<string>, delay?: Milliseconds): void;
  /**
   * Adds fields to the info of a client in a topic. They replace the fields that the client has added before.
   *
   * @param principal The sender of the request. The same checks apply as for a request that sets the client's subscriptions.
   * @throws RealtimeError `unknown_client`, `ip_mismatch` or `identity_changed`; `revoked` or `refused_token` for the credential;
   *   `invalid_input` for a field that the token sets, and for more than `MAX_INFO` bytes; `not_allowed` if the client is not a
   *   member of the topic.
   */
  extendInfo(clientId: string, topic: string, added: MemberInfo, principal: Principal): void;
  /** Sends the members to all subscribers of `$presence/<topic>`, after the store has lost events. Default: of all such topics. */
  resend(topic?: string): void;
}

/** Implements `presenceOf`. */
export function createPresenceSupport(core: ManagerCore): PresenceSupport | undefined {
  const { presence, clients, admission } = core;
  if (presence === undefined) return undefined;
  const { tracker } = presence;
  return {
    rules: presence.rules,
    grace: presence.grace,
    connect: (store, onDue) => presence.connect(store, onDue),
    hasPresence: (topic) => presence.hasPresence(topic),
    restore: (topic, members, guests) => tracker.restore(topic, members, guests),
    repeat: (topics, delay) => tracker.repeat(topics, delay),
    extendInfo(clientId, topic, added, principal) {
      const client: Client | undefined = clients.get(clientId);
      const onMismatch = core.checkAddress ? admission.logAddressMismatch : undefined;
      checkSubscriber(client, { ...principal, subscriptions: [] }, onMismatch);
      admission.checkCredential(principal);
      presence.extendInfo(client, topic, added);
    },
    resend: (topic) => presence.resend(clients.values(), topic),
  };
}
