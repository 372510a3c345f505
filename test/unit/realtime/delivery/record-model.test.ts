import fc from "fast-check";
import { expect, it } from "vitest";
import { createMemoryLog } from "../../../../src/log/memory.ts";
import { RealtimeManager } from "../../../../src/realtime/manager.ts";
import { createMessage, type PublishInput } from "../../../../src/realtime/message.ts";
import { within } from "../../../support/deadline.ts";
import {
  anyInput,
  anyKey,
  anyPrincipal,
  anyRules,
  expectedOf,
  type ModelClient,
  type ModelKey,
  type Rules,
} from "../../../support/record-model.ts";
import { RecordingSink } from "../../../support/recording-sink.ts";

interface Run {
  readonly rules: Rules;
  readonly clients: readonly ModelClient[];
  readonly batches: readonly (readonly PublishInput[])[];
  /** Small, so that deliveries are interrupted. */
  readonly sliceCost: number;
  /** Whether more than 16 keys match each message. They are delivered in another way than few. */
  readonly isCrowded: boolean;
}

const anyClient = fc.record({
  principal: anyPrincipal,
  keys: fc.array(anyKey, { minLength: 1, maxLength: 5 }),
  envelope: fc.boolean(),
});
const anyBatch = fc.array(anyInput, { minLength: 1, maxLength: 4 });
const anyRun: fc.Arbitrary<Run> = fc.record({
  rules: anyRules,
  clients: fc.array(anyClient, { minLength: 1, maxLength: 5 }),
  batches: fc.array(anyBatch, { minLength: 1, maxLength: 4 }),
  sliceCost: fc.integer({ min: 0, max: 12 }),
  isCrowded: fc.boolean(),
});

const CROWD = Array.from({ length: 20 }, (_, index) => `*?options={"query":{"crowd":"${index}"}}`);

function connect(
  manager: RealtimeManager,
  id: string,
  { principal, keys, envelope }: ModelClient,
  lastEventId?: string,
): RecordingSink {
  const sink = new RecordingSink();
  const subscriptions = keys.map(({ key }) => key);
  manager.registerClient(id, sink, { ...principal, envelope });
  manager.setSubscriptions(id, { subscriptions, lastEventId, ...principal });
  return sink;
}

/** A client keeps the keys that are accepted: a hidden field of the rules is refused. */
function withAcceptedKeys(manager: RealtimeManager, client: ModelClient): ModelClient {
  const { principal, keys } = client;
  const isAccepted = ({ key }: ModelKey) => {
    try {
      manager.admit(principal, [key]);
      return true;
    } catch {
      return false;
    }
  };
  return { ...client, keys: keys.filter(isAccepted) };
}

/** The events of a sink, without those of the service. */
function messagesOf({ events }: RecordingSink) {
  return events.filter(({ event = "" }) => !event.startsWith("PB_"));
}

async function run({ rules, clients, batches, sliceCost, isCrowded }: Run): Promise<void> {
  const log = createMemoryLog();
  const manager = new RealtimeManager({ rules }, sliceCost);
  const stop = manager.follow(log);
  const start = log.cursor();
  const accepted = clients.map((client) => withAcceptedKeys(manager, client));
  const live = accepted.map((client, index) => connect(manager, `live ${index}`, client));
  for (const key of isCrowded ? CROWD : []) {
    const keys = [{ key, topic: "*", query: {} }];
    connect(manager, key, { principal: {}, keys, envelope: false });
  }
  let count = 0;
  const inputs = batches.map((batch) => batch.map((input) => ({ ...input, id: `m${count++}` })));
  for (const batch of inputs) await log.append(batch.map(createMessage));
  await within(manager.settled() ?? Promise.resolve(), 20_000, "all is delivered");
  const replays = accepted.map((client, index) =>
    connect(manager, `replay ${index}`, client, start),
  );
  await within(manager.close(), 20_000, "the replays have ended");
  stop();

  for (const [index, client] of accepted.entries()) {
    const expected = inputs.flat().flatMap((input) => expectedOf(input, client, rules));
    const [sent, replayed] = [live[index], replays[index]].map((sink) => sink && messagesOf(sink));
    expect(sent?.map(({ event, data }) => [event, JSON.parse(data)])).toEqual(expected);
    expect(replayed, "the replay").toEqual(sent);
  }
}

it("live clients and replays receive what each client's own filters and rules select", async () => {
  await fc.assert(fc.asyncProperty(anyRun, run), { numRuns: 100 });
});
