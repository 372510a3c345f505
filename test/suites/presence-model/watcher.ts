import { createParser } from "eventsource-parser";
import type {
  MemberInfo,
  PresenceChange,
  PresenceEvent,
} from "../../../src/realtime/presence/presence.ts";
import type { CloseReason, FrameSink } from "../../../src/realtime/types.ts";

/** The members of a presence topic, as a subscriber has rebuilt them from the events. */
export class Rebuilt {
  members = new Map<string, { readonly info: MemberInfo; readonly since: number }>();
  guests = 0;
  /** Whether an event with all members has come. */
  isComplete = false;

  apply(event: PresenceEvent): void {
    if (event.type === "members") {
      const { members = [], guests } = event;
      this.members = new Map(members.map(({ id, ...member }) => [id, member]));
      this.guests = guests;
      this.isComplete = true;
    } else if (event.type === "changes") for (const change of event.changes) this.#change(change);
    else this.#change(event);
  }

  #change(change: PresenceChange): void {
    if (change.type === "guests") this.guests = change.guests;
    else if (change.type === "leave") this.members.delete(change.member.id);
    else {
      const { id, ...member } = change.member;
      this.members.set(id, member);
    }
  }
}

/** The sink of one stream. It parses the frames, and rebuilds the presence topics that the stream is subscribed to. */
export class WatcherSink implements FrameSink {
  readonly bufferedBytes = 0;
  /** The newest event id. */
  lastEventId: string;
  /** Number of events of presence topics, by event name. */
  readonly counts = new Map<string, number>();
  readonly errors: string[] = [];
  closed: CloseReason | undefined;
  /** Whether the next write is refused, as for a client that is too slow. */
  isFull = false;
  readonly #rebuilt: Map<string, Rebuilt>;
  #waiting: (() => void)[] | undefined;
  readonly #decoder = new TextDecoder();
  readonly #parser = createParser({
    onEvent: ({ id, event = "", data }) => {
      if (id !== undefined) this.lastEventId = id;
      if (event.startsWith("$presence/")) this.#onPresence(event, JSON.parse(data));
      // The key `*` has the events of all presence topics under one name.
      else if (event === "*" && /"(members|guests|member|changes)"/.test(data)) this.#count(event);
    },
    onError: ({ message }) => this.errors.push(message),
  });

  /** @param rebuilt By event name. A client that resumes continues with what it has rebuilt. */
  constructor(lastEventId: string, rebuilt: Map<string, Rebuilt>) {
    this.lastEventId = lastEventId;
    this.#rebuilt = rebuilt;
  }

  write(frame: Uint8Array): boolean {
    if (this.closed !== undefined) this.errors.push("A frame was written after the end.");
    if (this.isFull) return false;
    this.#parser.feed(this.#decoder.decode(frame, { stream: true }));
    return true;
  }

  onDrain(done: () => void): void {
    if (this.#waiting === undefined) setTimeout(() => this.closed === undefined && done());
    else this.#waiting.push(done);
  }

  hold(): void {
    this.#waiting ??= [];
  }

  release(): void {
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    for (const done of waiting) this.onDrain(done);
  }

  close(reason: CloseReason): void {
    this.closed ??= reason;
  }

  #onPresence(name: string, event: PresenceEvent): void {
    this.#count(name);
    const rebuilt = this.#rebuilt.get(name) ?? new Rebuilt();
    this.#rebuilt.set(name, rebuilt);
    rebuilt.apply(event);
  }

  #count(name: string): void {
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
  }
}
