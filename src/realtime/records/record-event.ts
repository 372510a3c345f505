import type { Message } from "../types.ts";
import type { Collection, RecordChange, RecordData } from "./collection.ts";
import { RecordView } from "./record-view.ts";
import { type AccessRules, type CompiledRules, mergeCollection } from "./rules.ts";

/** Fields of a user that no client receives (PocketBase, core/field_password.go and core/record_model_auth.go). */
const SECRET_AUTH_FIELDS: readonly string[] = ["password", "tokenKey"];

/** A parsed record event. */
export class RecordEvent {
  readonly action: string;
  readonly record: RecordData;
  readonly rules: CompiledRules | undefined;
  /** The record for filters and rules. */
  readonly view: RecordView;
  /** The record before an update. */
  readonly previousView: RecordView | undefined;
  readonly #collection: Collection;

  constructor(action: string, record: RecordData, change: RecordChange, rules: AccessRules) {
    this.action = action;
    this.record = record;
    this.rules = rules.of(change, record);
    this.#collection = mergeCollection(change.collection, this.rules?.declared);
    this.view = new RecordView(record, this.#collection);
    this.previousView = change.previous && new RecordView(change.previous, this.#collection);
  }

  /** Parses a message. Undefined if it is no record event. */
  static parse({ data, change }: Message, rules: AccessRules): RecordEvent | undefined {
    if (change === undefined) return undefined;
    // `createMessage` has written both texts.
    const { action, record } = JSON.parse(data) as { action: string; record: RecordData };
    return new RecordEvent(action, record, JSON.parse(change) as RecordChange, rules);
  }

  get isOfUser(): boolean {
    return this.#collection.type === "auth";
  }

  /** Whether every client may receive the whole record. */
  get isOpen(): boolean {
    const { hidden = [] } = this.#collection;
    return this.rules === undefined && hidden.length === 0 && !this.isOfUser;
  }

  /** Whether the record has an email that is not visible to everyone. */
  get hasInvisibleEmail(): boolean {
    const { email, emailVisibility } = this.record;
    return this.isOfUser && email !== undefined && emailVisibility !== true;
  }

  /** Whether a topic names this record: `posts/RECORD_ID`. The view rule holds for it. */
  isTopicOfRecord(topic: string): boolean {
    const { id } = this.record;
    // `posts/*` is the topic of all records, even if a record has the id `*`.
    return id !== "*" && topic.endsWith(`/${id}`);
  }

  /** Whether an update changed one of these fields. True if the record before the update is unknown. */
  hasChanged(fields: readonly string[]): boolean {
    const previous = this.previousView?.record;
    if (previous === undefined) return true;
    return fields.some((field) => textOfField(this.record, field) !== textOfField(previous, field));
  }

  /** The record without the fields that the viewer may not receive. */
  shownTo(isAdmin: boolean, seesEmail: boolean): RecordData {
    const omitted = new Set(this.isOfUser ? SECRET_AUTH_FIELDS : []);
    if (!isAdmin) for (const field of this.#collection.hidden ?? []) omitted.add(field);
    if (!seesEmail && this.hasInvisibleEmail) omitted.add("email");
    const names = Object.keys(this.record);
    if (!names.some((name) => omitted.has(name))) return this.record;
    return Object.fromEntries(
      names.filter((name) => !omitted.has(name)).map((name) => [name, this.record[name]]),
    );
  }

  /** Whether the record is the user's own. */
  isOwn(auth: RecordData | undefined): boolean {
    if (auth === undefined || auth.id !== this.record.id) return false;
    const { name, id } = this.#collection;
    return [
      [auth.collectionName, name],
      [auth.collectionId, id],
    ].every(([own, other]) => own === undefined || other === undefined || own === other);
  }
}

function textOfField(record: RecordData, field: string): string | undefined {
  return Object.hasOwn(record, field) ? JSON.stringify(record[field]) : undefined;
}
