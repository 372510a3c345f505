import fc from "fast-check";
import { expect, it } from "vitest";
import { Replica } from "../../src/log/replica/replica.ts";
import type { SequencedEntry } from "../../src/log/replica/sequencer.ts";
import { parseCursor } from "../../src/realtime/cursor.ts";
import type { Message } from "../../src/realtime/types.ts";
import { type FakeSequencer, FakeSequencerServer } from "../support/fake-sequencer.ts";

const PROCESSES = 3;
const topics = ["a", "b"] as const;

type Step =
  | { readonly do: "append"; readonly process: number; readonly count: number }
  | { readonly do: "erase"; readonly process: number; readonly topic: string }
  | { readonly do: "revoke"; readonly process: number }
  | { readonly do: "read" | "join" | "cut" | "mend"; readonly process: number }
  | { readonly do: "lag" | "repeat" | "swallow"; readonly process: number }
  | { readonly do: "copy" | "restore" | "restart" }
  | { readonly do: "trim"; readonly count: number };

const process = fc.integer({ min: 0, max: PROCESSES - 1 });
const stepOf = <Name extends Step["do"]>(...names: Name[]) => fc.constantFrom(...names);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ do: stepOf("append"), process, count: fc.integer({ min: 1, max: 5 }) }),
  },
  { weight: 10, arbitrary: fc.record({ do: stepOf("read"), process }) },
  { weight: 2, arbitrary: fc.record({ do: stepOf("join", "cut", "mend"), process }) },
  { weight: 1, arbitrary: fc.record({ do: stepOf("lag", "repeat", "swallow"), process }) },
  { weight: 1, arbitrary: fc.record({ do: stepOf("revoke"), process }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: stepOf("erase"), process, topic: fc.constantFrom(...topics) }),
  },
  { weight: 2, arbitrary: fc.record({ do: stepOf("copy", "restore", "restart") }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: stepOf("trim"), count: fc.integer({ min: 0, max: 6 }) }),
  },
) as fc.Arbitrary<Step>;

/** One process, and what a live client of it has. */
class ProcessUnderTest {
  readonly sequencer: FakeSequencer;
  readonly replica: Replica;
  /** The ids that a client has heard since it was last told that it may have missed messages. */
  heard: string[];
  gaps = 0;
  /** How often this process has lost entries, or can't receive some. It may be told less often, if two losses are found at once. */
  losses = 0;
  /** Whether entries of this process are lost for good: a gap must be told. */
  hasLost = false;
  revoked = new Set<string>();
  /** Every cursor of a message that was delivered, with the id of its message. */
  readonly cursors: { readonly cursor: string; readonly id: string }[] = [];

  constructor(sequencer: FakeSequencer, replica: Replica) {
    this.sequencer = sequencer;
    this.replica = replica;
    this.heard = [];
    replica.revocationListeners.add(({ subject }) => this.revoked.add(subject));
    replica.followers.add({
      listener: (entries) => {
        for (const { cursor, message } of entries) {
          // A message that was erased before this process received it has no topic, so no client hears it.
          if (message.topics.length === 0) continue;
          this.heard.push(message.id);
          this.cursors.push({ cursor, id: message.id });
        }
      },
      onGap: () => {
        this.gaps += 1;
        this.heard = [];
      },
    });
  }

  /** Must be called when the server has dropped entries. */
  countLosses({ end, entries }: FakeSequencerServer): void {
    const { sequence } = this.replica.place;
    const [oldest] = entries;
    const isPastEnd = sequence > end.sequence;
    const firstEntry = oldest?.sequence ?? end.sequence;
    // An entry without a message has the sequence of the message before, so no message is missing before it.
    const follows = oldest === undefined || oldest.index > 0 ? firstEntry : firstEntry - 1;
    if (isPastEnd || sequence < follows) this.losses += 1;
    if (isPastEnd) this.hasLost = true;
  }

  /** One turn of the reader's loop. Fails while the process is cut off. */
  async read(): Promise<void> {
    try {
      const entries = await this.sequencer.after(this.replica.place);
      if (!(await this.replica.receive(entries))) await this.replica.join();
    } catch {
      // As the reader: it joins before it reads again.
      await this.replica.join().catch(() => undefined);
    }
  }
}

class World {
  readonly server = new FakeSequencerServer();
  readonly processes: ProcessUnderTest[] = [];
  /** Number of the newest message or subject. */
  #number = 0;
  #copy = this.server.copy();
  /** The ids of all messages that were erased. */
  readonly #erased = new Set<string>();

  async open(): Promise<void> {
    for (let index = 0; index < PROCESSES; index++) {
      const sequencer = this.server.connect();
      const options = {
        sequencer,
        history: { messages: 1000, maxAge: 1e12, bytes: 1e9 },
        monotonicNow: () => this.server.now,
        nextTurn: (run: () => void) => void setImmediate(run),
      };
      const replica = await Replica.open(options);
      if (replica === undefined) throw new Error("The log changed while it was opened.");
      this.processes.push(new ProcessUnderTest(sequencer, replica));
    }
  }

  async take(step: Step): Promise<void> {
    const target = "process" in step ? this.processes[step.process] : undefined;
    if (target !== undefined) await this.#takeOf(target, step);
    else if (step.do === "copy") this.#copy = this.server.copy();
    else if (step.do === "restore") {
      this.server.restore(this.#copy);
      this.#countLosses();
    } else if (step.do === "restart") this.server.restart();
    else if (step.do === "trim") {
      this.server.trimTo(step.count);
      this.#countLosses();
    }
  }

  #countLosses(): void {
    for (const target of this.processes) target.countLosses(this.server);
  }

  async #takeOf(target: ProcessUnderTest, step: Step): Promise<void> {
    const { sequencer } = target;
    const ignore = () => undefined;
    if (step.do === "append") {
      await sequencer.append([{ messages: this.#messages(step.count) }]).catch(ignore);
    } else if (step.do === "erase") {
      for (const { content } of this.server.entries) {
        if (content.kind !== "message" || !content.message.topics.includes(step.topic)) continue;
        this.#erased.add(content.message.id);
      }
      await sequencer.erase(step.topic).catch(ignore);
    } else if (step.do === "revoke") {
      this.#number += 1;
      await sequencer.revoke(`user ${this.#number}`).catch(ignore);
    } else if (step.do === "read") await target.read();
    else if (step.do === "join") await target.replica.join().catch(ignore);
    else if (step.do === "cut") sequencer.isCut = true;
    else if (step.do === "mend") sequencer.isCut = false;
    else if (step.do === "lag") sequencer.emptyPages = 2;
    else if (step.do === "repeat") sequencer.repeatedPages = 2;
    else if (step.do === "swallow") sequencer.swallowsAnswer = true;
  }

  #messages(count: number): Message[] {
    return Array.from({ length: count }, () => {
      this.#number += 1;
      const topic = topics[this.#number % 2] ?? "a";
      return { id: `m${this.#number}`, topics: [topic], data: "1", private: false };
    });
  }

  /** Lets every process receive everything. */
  async settle(): Promise<void> {
    for (const target of this.processes) {
      Object.assign(target.sequencer, { isCut: false, emptyPages: 0, repeatedPages: 0 });
      await target.replica.join().catch(() => undefined);
      for (let turn = 0; turn < 200; turn++) await target.read();
    }
  }

  check(): void {
    const messages = this.server.entries.filter(({ index }) => index === 0);
    for (const target of this.processes) {
      const { replica } = target;
      expect(replica.place).toEqual(this.server.end);
      // A restored server may have older messages again, which this process has dropped.
      const { trimmedTo } = replica.history;
      const expected = messages.filter(({ sequence }) => sequence > trimmedTo);
      const inLog = new Set(readable(messages));
      // A message that was erased may be in the log again if the erasure is lost. A process may then lack it.
      const isCompared = (id: string) => inLog.has(id) && !this.#erased.has(id);
      expect(idsOf(target).filter(isCompared)).toEqual(readable(expected).filter(isCompared));
      this.#checkHeard(target, messages);
      this.#checkCursors(target, messages);
      for (const { subject } of this.server.revocations) expect(target.revoked).toContain(subject);
      expect(target.gaps).toBeLessThanOrEqual(target.losses);
      if (target.hasLost) expect(target.gaps).toBeGreaterThan(0);
    }
  }

  /** What a client has heard since it was last told ends with the newest messages of the log, without a hole or a repetition. */
  #checkHeard({ heard, gaps }: ProcessUnderTest, messages: readonly SequencedEntry[]): void {
    expect(new Set(heard).size).toBe(heard.length);
    // The log remembers the ids of erased and trimmed messages, but not those of lost ones.
    expect(heard.filter((id) => !this.server.ids.has(id))).toEqual([]);
    const inLog = readable(messages).filter((id) => !this.#erased.has(id));
    const stillThere = heard.filter((id) => inLog.includes(id));
    // Every process was opened with an empty log. Without a gap, its client has heard every message.
    const expected = gaps === 0 ? inLog : inLog.slice(inLog.length - stillThere.length);
    expect(stillThere).toEqual(expected);
  }

  /** A cursor is a position of the log if and only if its message is in the log. */
  #checkCursors({ cursors, replica }: ProcessUnderTest, messages: readonly SequencedEntry[]): void {
    const oldest = messages[0]?.sequence ?? this.server.end.sequence + 1;
    for (const { cursor, id } of cursors) {
      const parsed = parseCursor(cursor);
      if (parsed === undefined || parsed.sequence < oldest) continue;
      const entry = messages.find(({ sequence }) => sequence === parsed.sequence);
      if (entry?.content.kind !== "message") continue;
      const isInLog = entry.content.message.id === id;
      expect(replica.hasReached({ ...parsed, index: 0 }), `${cursor} ${id}`).toBe(isInLog);
    }
  }
}

function readable(messages: readonly SequencedEntry[]): string[] {
  return messages.flatMap(({ content }) =>
    content.kind === "message" ? [content.message.id] : [],
  );
}

function idsOf({ replica }: ProcessUnderTest): string[] {
  const now = replica.now();
  const { entries } = replica.history.read({ sequence: 0, now, limit: 1e6 });
  return entries.map(({ message }) => message.id);
}

it("replicas of a sequencer that is cut, restored, trimmed and restarted end with its messages, and tell each loss", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const world = new World();
      await world.open();
      for (const one of steps) await world.take(one);
      await world.settle();
      world.check();
    }),
    { numRuns: Number(globalThis.process.env.REPLICA_RUNS ?? 300) },
  );
}, 300_000);
