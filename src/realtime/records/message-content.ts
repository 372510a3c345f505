import type { LogEntry, Message } from "../types.ts";
import { envelopeFor } from "./envelope.ts";
import { PlainSelector } from "./plain-selector.ts";
import { RecordEvent } from "./record-event.ts";
import { RecordSelector } from "./record-selector.ts";
import type { AccessRules } from "./rules.ts";
import type { Selections, Subscribed } from "./selection.ts";
import { EVERYONE, type Viewer } from "./viewer.ts";

/** What a message contains for one subscription. */
export type Outcome =
  /** The same for all clients. Without `data`, the subscription does not receive the message. */
  | { readonly isUniform: true; readonly data: string | undefined }
  /** It may differ between viewers: call `eventDataFor`. */
  | { readonly isUniform: false };

/** Called when a filter or rule can't be evaluated for a message. The message is then not sent. */
export type EvaluationErrorListener = (key: string, error: unknown) => void;

const PER_VIEWER: Outcome = { isUniform: false };

/** Maximum length of the texts that a message keeps for other clients, in UTF-16 code units. */
const MAX_KEPT_TEXT = 1024 * 1024;

/** Maximum number of decisions that a message keeps. */
const MAX_DECISIONS = 10_000;

/** Steps of an evaluation that take about as long as writing a frame. */
const STEPS_PER_COST = 8;

/** The cost of deciding about one subscription, where writing a frame costs 1. */
const DECISION_COST = 2;

/** The additional cost of a filter that can't be evaluated, because an error is created. */
const FAILURE_COST = 8;

interface Decision {
  /** Undefined: the message is not sent. */
  readonly data: string | undefined;
  /** The data in an envelope. Created on first use. */
  envelope: string | undefined;
}

/**
 * Decides what each subscription receives of one message, by its options (`filter`, `fields` and others) and by the rules.
 *
 * A decision is made once for each subscription key. If a rule or a hidden field makes a difference between clients, a decision
 * is made once for each key and kind of viewer. The clock of the macros is the time of the message, so a replay decides as the
 * first delivery did.
 */
export class MessageContent {
  readonly #entry: LogEntry;
  readonly #message: Message;
  readonly #rules: AccessRules;
  /** What a subscription without options receives, if that is the same for all clients. */
  readonly #whole: Outcome | undefined;
  readonly #selections: Selections;
  readonly #onError: EvaluationErrorListener;
  /** By subscription key and kind of viewer. */
  readonly #decisions = new Map<string, Map<string, Decision>>();
  /** Created when it is needed, because it parses the message. */
  #lazySelector: RecordSelector | PlainSelector | undefined;
  #decisionCount = 0;
  #keptText = 0;
  #cost = 0;

  constructor(
    entry: LogEntry,
    rules: AccessRules,
    selections: Selections,
    onError: EvaluationErrorListener,
  ) {
    const { message } = entry;
    this.#entry = entry;
    this.#message = message;
    this.#rules = rules;
    this.#selections = selections;
    this.#onError = onError;
    const isOpen = isSurelyOpen(message, rules) || this.#selector.isOpen;
    this.#whole = isOpen ? { isUniform: true, data: message.data } : undefined;
  }

  /** What the clients of a subscription receive. */
  outcomeFor(subscribed: Subscribed): Outcome {
    if (this.#whole === undefined) return PER_VIEWER;
    if (!subscribed.maySelect) return this.#whole;
    return { isUniform: true, data: this.eventDataFor(subscribed, EVERYONE) };
  }

  /** The data of the event that a client receives: the result of `dataFor`, in an envelope if the key has `Selection.envelope`. */
  eventDataFor(subscribed: Subscribed, viewer: Viewer): string | undefined {
    if (!subscribed.maySelect) return this.dataFor(subscribed, viewer);
    const decision = this.#decisionFor(subscribed, viewer);
    const { data } = decision;
    if (data === undefined || !this.#selections.of(subscribed.key)?.envelope) return data;
    if (decision.envelope === undefined) {
      decision.envelope = envelopeFor(subscribed.topic, this.#entry, data);
      this.#keptText += decision.envelope.length;
    }
    return decision.envelope;
  }

  /**
   * The data that a client receives for a key, without an envelope. Undefined if the client does not receive the message. The
   * history needs no envelope, because its pages have the topics, the id and the time of each message.
   */
  dataFor(subscribed: Subscribed, viewer: Viewer): string | undefined {
    if (this.#whole !== undefined && !subscribed.maySelect) return this.#message.data;
    return this.#decisionFor(subscribed, viewer).data;
  }

  #decisionFor(subscribed: Subscribed, viewer: Viewer): Decision {
    const kind = this.#selector.kindOf(viewer);
    if (this.#keptText > MAX_KEPT_TEXT || this.#decisionCount >= MAX_DECISIONS) this.release();
    let decisions = this.#decisions.get(subscribed.key);
    if (decisions === undefined) {
      decisions = new Map();
      this.#decisions.set(subscribed.key, decisions);
    }
    let decision = decisions.get(kind);
    if (decision === undefined) {
      decision = { data: this.#decide(subscribed, viewer), envelope: undefined };
      decisions.set(kind, decision);
      this.#decisionCount += 1;
    }
    return decision;
  }

  /** Returns the cost of the decisions since the last call, where writing a frame costs 1. */
  takeCost(): number {
    const steps = this.#lazySelector?.takeSteps() ?? 0;
    const cost = this.#cost + Math.floor(steps / STEPS_PER_COST);
    this.#cost = 0;
    return cost;
  }

  /** Releases the memory of the decisions. A decision is made again when it is needed. */
  release(): void {
    this.#decisions.clear();
    this.#lazySelector?.release();
    this.#decisionCount = 0;
    this.#keptText = 0;
  }

  get #selector(): RecordSelector | PlainSelector {
    if (this.#lazySelector === undefined) {
      const { data } = this.#message;
      const event = RecordEvent.parse(this.#message, this.#rules);
      this.#lazySelector =
        event === undefined
          ? new PlainSelector(data, this.#entry.at)
          : new RecordSelector(event, data, this.#entry.at);
    }
    return this.#lazySelector;
  }

  #decide(subscribed: Subscribed, viewer: Viewer): string | undefined {
    this.#cost += DECISION_COST;
    let data: string | undefined;
    try {
      data = this.#selector.select(subscribed, this.#selections.of(subscribed.key), viewer);
    } catch (error) {
      this.#cost += FAILURE_COST;
      this.#onError(subscribed.key, error);
      return undefined;
    }
    if (data !== undefined && data !== this.#message.data) this.#keptText += data.length;
    return data;
  }
}

/** Whether it is certain, without parsing the message, that every client may receive all of it. */
function isSurelyOpen({ change }: Message, rules: AccessRules): boolean {
  if (change === undefined) return true;
  return rules.isEmpty && !change.includes('"hidden"') && !change.includes('"auth"');
}
