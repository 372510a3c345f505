import { nanoid } from "nanoid";
import type { Epoch } from "../../../log/epochs.ts";
import type { LogOptions, StoredRevocation } from "../../../log/log.ts";
import type {
  BatchOutcome,
  Place,
  SequencedEntry,
  Sequencer,
  SequencerBatch,
  SequencerPosition,
  SequencerState,
} from "../../../log/replica/sequencer.ts";
import type { SharedPresence } from "../../../log/shared-presence.ts";
import { REMEMBERED_REVOCATIONS } from "../../../realtime/access/revocations.ts";
import { newEpoch } from "../../../realtime/cursor.ts";
import { RealtimeError } from "../../../realtime/errors.ts";
import type { Milliseconds } from "../../../realtime/units.ts";
import { AppendCall, decodeOutcomes } from "./append-call.ts";
import { APPEND_SCRIPT } from "./append-script.ts";
import { RedisConnection } from "./connection.ts";
import { decodeKept } from "./entry-codec.ts";
import { RedisPresence } from "./redis-presence.ts";
import { RedisScript } from "./redis-script.ts";
import {
  ERASE_KEPT_SCRIPT,
  ERASE_LOG_SCRIPT,
  ERASE_SCRIPT,
  JOIN_SCRIPT,
  REVOKE_SCRIPT,
} from "./scripts.ts";
import { StreamReader } from "./stream-reader.ts";

/** Number of entries or index members that one call of an erasure examines. */
const ERASE_SLICE = 500;

/** Number of fields that one call of HSCAN examines. */
const SCAN_COUNT = 500;

/** Time within which a call that was cut off is sent again on a new connection, and the time between two attempts. */
const RESEND_TIME: Milliseconds = 2000;
const RESEND_DELAY: Milliseconds = 100;

const scripts = {
  append: new RedisScript(APPEND_SCRIPT),
  join: new RedisScript(JOIN_SCRIPT),
  revoke: new RedisScript(REVOKE_SCRIPT),
  erase: new RedisScript(ERASE_SCRIPT),
  eraseKept: new RedisScript(ERASE_KEPT_SCRIPT),
  eraseLog: new RedisScript(ERASE_LOG_SCRIPT),
};

/** Options of `RedisSequencer`. */
export interface RedisSequencerOptions extends LogOptions {
  /** `redis://` or `rediss://`. */
  readonly url: string;
  /** URL of a replica, for the reads of new entries. Default: `url`. */
  readonly readURL?: string | undefined;
  /** Beginning of the names of all keys. Default `pocketwire`. */
  readonly prefix?: string | undefined;
  /** Replaces the clock of Redis, in tests. */
  readonly now?: (() => number) | undefined;
}

/** The default of `RedisSequencerOptions.prefix`. */
export const DEFAULT_PREFIX = "pocketwire";

/** A sequencer in Redis or Valkey. `script-prelude.ts` describes the keys. */
export class RedisSequencer implements Sequencer {
  readonly presence: SharedPresence;
  readonly #base: string;
  readonly #connection: RedisConnection;
  readonly #reader: StreamReader;
  readonly #appendCall: AppendCall;
  readonly #now: (() => number) | undefined;

  constructor(options: RedisSequencerOptions) {
    const { url, readURL = url, prefix = DEFAULT_PREFIX } = options;
    this.#base = `{${prefix}}:0:`;
    this.#connection = new RedisConnection(url);
    this.#reader = new StreamReader(new RedisConnection(readURL), `${this.#base}log`);
    this.#appendCall = new AppendCall(options);
    this.#now = options.now;
    this.presence = new RedisPresence(
      {
        runOnLog: (script, args) => this.#run(script, args),
        run: (script, args) => script.run(this.#connection, this.#base, args),
      },
      this.#appendCall,
    );
  }

  async join(): Promise<SequencerState> {
    // The casts here and below: the scripts return these forms.
    const answer = (await this.#run(scripts.join)) as [string[], string, string, string, string];
    const [epochs, sequence, index, oldest, now] = answer;
    return {
      epochs: epochs.map(parseEpoch) as [Epoch, ...Epoch[]],
      end: { sequence: Number(sequence), index: Number(index) },
      oldest: Number(oldest),
      now: Number(now),
    };
  }

  async *kept(): AsyncIterable<readonly SequencedEntry[]> {
    let cursor = "0";
    do {
      const command = ["HSCAN", `${this.#base}kept`, cursor, "COUNT", String(SCAN_COUNT)];
      const [next, fields] = (await this.#connection.send(command)) as [string, string[]];
      const entries: SequencedEntry[] = [];
      for (let index = 0; index < fields.length; index += 2) {
        entries.push(decodeKept(fields[index] ?? "", fields[index + 1] ?? ""));
      }
      yield entries;
      cursor = next;
    } while (cursor !== "0");
  }

  async revocations(): Promise<readonly StoredRevocation[]> {
    const command = ["ZRANGE", `${this.#base}revoked`, "0", "-1", "WITHSCORES"];
    const pairs = (await this.#connection.send(command)) as string[];
    const revocations: StoredRevocation[] = [];
    for (let index = 0; index < pairs.length; index += 2) {
      revocations.push({ subject: pairs[index] ?? "", at: Number(pairs[index + 1]) });
    }
    return revocations;
  }

  /** Returns `maxmemory-policy` of Redis. */
  async evictionPolicy(): Promise<string | undefined> {
    const info = String(await this.#connection.send(["INFO", "memory"]));
    return /^maxmemory_policy:(\S+)/m.exec(info)?.[1];
  }

  /**
   * A call that is cut off is sent again for up to two seconds. Redis remembers the message ids, so a message is not appended twice.
   * If no connection can be opened before the first attempt, the call fails without a repetition.
   */
  async append(batches: readonly SequencerBatch[]): Promise<readonly BatchOutcome[]> {
    const args = this.#appendCall.encode(batches);
    await this.#connection.client();
    const deadline = performance.now() + RESEND_TIME;
    for (;;) {
      try {
        return decodeOutcomes(await this.#run(scripts.append, args), batches);
      } catch (error) {
        if (!isUnreachable(error) || performance.now() > deadline) throw maybeSent(error);
        await new Promise((resolve) => setTimeout(resolve, RESEND_DELAY));
      }
    }
  }

  after(place: Place): Promise<readonly SequencedEntry[]> {
    return this.#reader.after(place);
  }

  async erase(topic: string): Promise<SequencerPosition> {
    // A kept message may stay in Redis longer than the entry of the erasure. A process that starts later would then load the
    // message again. The kept messages are therefore erased before the entry is appended, in case this process ends in
    // between. The second call erases messages that were kept after the first call.
    await this.#eraseKept(topic, String(Number.MAX_SAFE_INTEGER));
    const answer = (await this.#run(scripts.erase, [topic])) as [string, string, string];
    const [epoch, sequence, index] = answer;
    await this.#eraseKept(topic, sequence);
    await this.#eraseLog(topic, sequence);
    return { epoch, sequence: Number(sequence), index: Number(index) };
  }

  async revoke(subject: string): Promise<SequencerPosition & { readonly at: Milliseconds }> {
    const { count, maxAge } = REMEMBERED_REVOCATIONS;
    const args = [subject, String(count), String(maxAge)];
    const answer = (await this.#run(scripts.revoke, args)) as [string, string, string, string];
    const [epoch, sequence, index, at] = answer;
    return { epoch, sequence: Number(sequence), index: Number(index), at: Number(at) };
  }

  disconnect(): void {
    this.#connection.disconnect();
    this.#reader.disconnect();
  }

  async close(): Promise<void> {
    this.#connection.close();
    this.#reader.close();
  }

  #run(script: RedisScript, args: readonly string[] = []): Promise<unknown> {
    const now = this.#now === undefined ? "" : String(this.#now());
    return script.run(this.#connection, this.#base, [now, newEpoch(), ...args]);
  }

  async #eraseKept(topic: string, until: string): Promise<void> {
    let member = "";
    do {
      const args = [topic, until, member, String(ERASE_SLICE)];
      member = String(await this.#run(scripts.eraseKept, args));
    } while (member !== "");
  }

  async #eraseLog(topic: string, until: string): Promise<void> {
    const token = nanoid();
    let from = "0-0";
    for (;;) {
      const args = [topic, until, token, from, String(ERASE_SLICE)];
      const answer = String(await this.#run(scripts.eraseLog, args));
      if (answer === "done") return;
      if (answer === "busy") await new Promise((resolve) => setTimeout(resolve, 100));
      else from = answer === "again" ? "0-0" : answer;
    }
  }
}

function parseEpoch(text: string): Epoch {
  const [name = "", start] = text.split(" ");
  return { name, start: Number(start) };
}

function isUnreachable(error: unknown): boolean {
  return error instanceof RealtimeError && error.code === "unreachable";
}

/** The error of a call of which the answer is lost. */
function maybeSent(error: unknown): unknown {
  if (!isUnreachable(error)) return error;
  return new RealtimeError(
    "unreachable",
    "Redis can't be reached. The messages may have been accepted. Send them again with the same ids: a message is then delivered only once.",
    { cause: (error as RealtimeError).cause },
  );
}
