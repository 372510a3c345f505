import { nanoid } from "nanoid";
import type { SqlDatabase } from "../../log/sql.ts";
import type { CloseReason } from "../../realtime/types.ts";
import {
  type CallbackEvent,
  type EventRequest,
  MAX_BATCH,
  MAX_RETRY_DELAY,
  retryDelay,
  type Tell,
  toEventJSON,
  toEventRequest,
} from "../tells.ts";

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS events (number INTEGER PRIMARY KEY, event TEXT NOT NULL);
  CREATE TABLE IF NOT EXISTS event_batch (batch TEXT NOT NULL);
  CREATE TABLE IF NOT EXISTS told_clients (client_id TEXT PRIMARY KEY) WITHOUT ROWID
`;

/** How a hub tells a backend of events. */
export interface HubTells {
  /** The events of which the backend is told. */
  readonly types: readonly Tell[];
  /** Events of one hub that wait to be sent. Above this number, the oldest event is dropped. */
  readonly maxQueue: number;
  /** Sends events. Returns whether the backend has them. Must not throw. `waiting`: number of events that wait, for the log. */
  readonly send: (request: EventRequest, waiting: number) => Promise<boolean>;
  /** Called for each event that is dropped. */
  readonly onDropped: () => void;
}

/** Events that were sent, and perhaps must be sent again. It is stored, so that a hub that wakes sends the same request. */
interface Batch {
  /** `webhook-id`. */
  readonly id: string;
  readonly first: number;
  readonly last: number;
  /** How often the first event has failed. */
  readonly failures: number;
  /** Milliseconds since 1970. */
  readonly retryAt: number;
}

/**
 * The events of a hub for a backend, stored until the backend has them. The alarm of the hub sends them in batches and in order.
 * There is one request at a time, and no timer.
 */
export class EventQueue {
  readonly #database: SqlDatabase;
  readonly #tells: HubTells;
  /** The numbers of the first event and after the last. They are equal if no event waits. */
  #first = 0;
  #end = 0;
  #batch: Batch | undefined;
  #isSending = false;

  constructor(database: SqlDatabase, tells: HubTells) {
    this.#database = database;
    this.#tells = tells;
    database.exec(SCHEMA);
    // Two queries, because SQLite reads the whole table for both at once.
    const [first] = database.all<{ number: number }>("SELECT number FROM events LIMIT 1");
    const [last] = database.all<{ number: number }>(
      "SELECT number FROM events ORDER BY number DESC LIMIT 1",
    );
    if (first !== undefined && last !== undefined) {
      this.#first = first.number;
      this.#end = last.number + 1;
    }
    const [stored] = database.all<{ batch: string }>("SELECT batch FROM event_batch");
    // The cast is safe because `#store` has written the column.
    if (stored !== undefined) this.#batch = JSON.parse(stored.batch) as Batch;
  }

  /** Whether the backend is told when topics are occupied and vacated. */
  get tellsOccupancy(): boolean {
    return this.#isTold("occupied") || this.#isTold("vacated");
  }

  /** When `send` must be called, in milliseconds since 1970. Infinity if no event waits. */
  get dueAt(): number {
    if (this.#first === this.#end) return Number.POSITIVE_INFINITY;
    // A hub that is interrupted during the request wakes again.
    if (this.#isSending) return Date.now() + MAX_RETRY_DELAY;
    return this.#batch?.retryAt ?? Date.now();
  }

  /** Queues an event if the backend is told of its type. */
  tell(event: CallbackEvent): void {
    if (!this.#isTold(event.type)) return;
    const json = toEventJSON(event, Date.now());
    this.#database.exec("INSERT INTO events (number, event) VALUES (?, ?)", this.#end, json);
    this.#end += 1;
    if (this.#end - this.#first > this.#tells.maxQueue) {
      this.#removeBefore(this.#first + 1);
      this.#tells.onDropped();
    }
  }

  /** Tells that a stream has opened. The client is stored, so that its end is told once, even if the hub is interrupted. */
  tellConnected(clientId: string, identity: string | undefined): void {
    this.tell({ type: "connected", clientId, identity });
    if (!this.#isTold("disconnected")) return;
    this.#database.exec("INSERT INTO told_clients (client_id) VALUES (?)", clientId);
  }

  tellDisconnected(clientId: string, reason: CloseReason): void {
    const query = "DELETE FROM told_clients WHERE client_id = ? RETURNING client_id";
    if (this.#database.all(query, clientId).length === 0) return;
    this.tell({ type: "disconnected", clientId, reason });
  }

  /** Call this when the hub wakes. Tells that clients have gone while the hub was interrupted. */
  restore(hasSocket: (clientId: string) => boolean): void {
    const query = "SELECT client_id FROM told_clients";
    for (const { client_id: id } of this.#database.all<{ client_id: string }>(query)) {
      if (!hasSocket(id)) this.tellDisconnected(id, "error");
    }
  }

  /** Sends a batch if it is time. */
  async send(): Promise<void> {
    if (this.dueAt > Date.now()) return;
    const batch = this.#nextBatch();
    const rows = this.#database.all<{ event: string }>(
      "SELECT event FROM events WHERE number <= ? ORDER BY number",
      batch.last,
    );
    const events = rows.map(({ event }) => event);
    this.#isSending = true;
    const isDone = await this.#tells.send(
      toEventRequest(events, batch.id),
      this.#end - this.#first,
    );
    this.#isSending = false;
    if (isDone) {
      this.#removeBefore(batch.last + 1);
      this.#store(undefined);
    } else {
      const retryAt = Date.now() + retryDelay(batch.failures);
      this.#store({ ...batch, failures: batch.failures + 1, retryAt });
    }
  }

  /** After an overflow, the first events of the batch are no longer in the queue: the others become a new batch. */
  #nextBatch(): Batch {
    const batch = this.#batch;
    if (batch?.first === this.#first) return batch;
    const last = Math.min(this.#first + MAX_BATCH, this.#end) - 1;
    const { failures = 0, retryAt = Date.now() } = batch ?? {};
    return this.#store({ id: `msg_${nanoid()}`, first: this.#first, last, failures, retryAt });
  }

  #store<T extends Batch | undefined>(batch: T): T {
    this.#batch = batch;
    this.#database.exec("DELETE FROM event_batch");
    if (batch !== undefined) {
      this.#database.exec("INSERT INTO event_batch (batch) VALUES (?)", JSON.stringify(batch));
    }
    return batch;
  }

  #removeBefore(number: number): void {
    this.#first = Math.max(this.#first, number);
    this.#database.exec("DELETE FROM events WHERE number < ?", this.#first);
  }

  #isTold(type: Tell): boolean {
    return this.#tells.types.includes(type);
  }
}
