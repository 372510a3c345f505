import { nanoid } from "nanoid";
import type {
  MembersAt,
  PartOutcome,
  PresenceCall,
  PresencePart,
  Renewal,
  SharedPresence,
} from "../../../log/shared-presence.ts";
import { type PresenceCounts, presenceTopicOf } from "../../../realtime/presence/presence.ts";
import type { Milliseconds } from "../../../realtime/units.ts";
import type { AppendCall } from "./append-call.ts";
import {
  COUNT_PRESENCE_SCRIPT,
  READ_PRESENCE_SCRIPT,
  REPORT_PRESENCE_SCRIPT,
} from "./presence-scripts.ts";
import { RENEW_PRESENCE_SCRIPT, RETIRE_PRESENCE_SCRIPT } from "./presence-source-scripts.ts";
import { RedisScript } from "./redis-script.ts";

/** Maximum number of topics that one call of `retire` returns. */
const RETIRED_TOPICS = 20;

const scripts = {
  report: new RedisScript(REPORT_PRESENCE_SCRIPT),
  read: new RedisScript(READ_PRESENCE_SCRIPT),
  count: new RedisScript(COUNT_PRESENCE_SCRIPT),
  renew: new RedisScript(RENEW_PRESENCE_SCRIPT),
  retire: new RedisScript(RETIRE_PRESENCE_SCRIPT),
};

/** Runs scripts on the connection of the log. */
export interface PresenceConnection {
  /** Runs a script that begins with `SCRIPT_PRELUDE`. `args` follow the time and the name of a new epoch. */
  readonly runOnLog: (script: RedisScript, args: readonly string[]) => Promise<unknown>;
  readonly run: (script: RedisScript, args: readonly string[]) => Promise<unknown>;
}

/** The members of topics in Redis. `presence-scripts.ts` describes the keys. */
export class RedisPresence implements SharedPresence {
  readonly #connection: PresenceConnection;
  readonly #appendCall: AppendCall;

  constructor(connection: PresenceConnection, appendCall: AppendCall) {
    this.#connection = connection;
    this.#appendCall = appendCall;
  }

  async apply(call: PresenceCall): Promise<readonly PartOutcome[] | undefined> {
    const { source, kind, number, lease, parts } = call;
    const args = [...this.#appendCall.limits, source, kind, String(number), String(lease)];
    args.push(nanoid(), String(parts.length));
    for (const part of parts) this.#encode(part, args);
    const answer = String(await this.#connection.runOnLog(scripts.report, args));
    return answer === "unknown" ? undefined : decodeOutcomes(answer);
  }

  async read(topic: string): Promise<MembersAt> {
    // The casts here and below: the scripts return these forms.
    const answer = (await this.#connection.runOnLog(scripts.read, [topic])) as string[];
    const [sequence, count, guests, list] = answer;
    const counts = { count: Number(count), guests: Number(guests) };
    const members = list ? { members: JSON.parse(list) } : {};
    return { members: { type: "members", ...members, ...counts }, sequence: Number(sequence) };
  }

  async count(topics: readonly string[]): Promise<readonly PresenceCounts[]> {
    const answer = (await this.#connection.runOnLog(scripts.count, topics)) as unknown[];
    return topics.map((_, index) => ({
      members: Number(answer[2 * index]),
      guests: Number(answer[2 * index + 1]),
    }));
  }

  async renew(source: string, lease: Milliseconds, isFirst: boolean): Promise<Renewal | undefined> {
    const args = [source, String(lease), isFirst ? "1" : ""];
    const [state, ...gone] = (await this.#connection.run(scripts.renew, args)) as string[];
    return state === "unknown" ? undefined : { wasLate: state === "late", gone };
  }

  async retire(source: string): Promise<readonly string[]> {
    return (await this.#connection.run(scripts.retire, [
      source,
      String(RETIRED_TOPICS),
    ])) as string[];
  }

  #encode(part: PresencePart, args: string[]): void {
    const { topic, isOccupied, guests, present, left, removal, message } = part;
    const presenceTopic = presenceTopicOf(topic);
    const { private: isPrivate, ttl } = message;
    const header = { topics: [presenceTopic], ...(isPrivate && { private: true }), ttl };
    args.push(topic, presenceTopic, JSON.stringify(header).slice(1));
    args.push(this.#appendCall.keepOf(presenceTopic) ?? "", isOccupied ? "1" : "0", String(guests));
    args.push(removal?.cursor ?? "", String(removal?.before ?? 0));
    args.push(String(present.length), String(left.length));
    for (const { id, since, updatedAt, info } of present) {
      args.push(JSON.stringify(id), String(since), String(updatedAt), JSON.stringify(info));
    }
    for (const id of left) args.push(JSON.stringify(id));
  }
}

function decodeOutcomes(answer: string): PartOutcome[] {
  const words = answer === "" ? [] : answer.split(" ");
  const outcomes: PartOutcome[] = [];
  for (let index = 0; index < words.length; index += 2) {
    const [occupancy, cursor] = [words[index], words[index + 1]];
    outcomes.push({
      occupancy: occupancy === "occupied" || occupancy === "vacated" ? occupancy : undefined,
      cursor: cursor === "0" ? undefined : cursor,
    });
  }
  return outcomes;
}
