/** Random answers, faults and readers: each reader sees the parts in order, every part once. */
import type { UIMessageChunk } from "ai";
import fc from "fast-check";
import { expect, it } from "vitest";
import { createChatTransport, publishStream } from "../../../src/ai.ts";
import { partsOf, randomStream, readAll } from "../../support/answers.ts";
import { eventually, within } from "../../support/deadline.ts";
import { type Random, seededRandom } from "../../support/random.ts";
import { clientError, TopicService } from "../../support/topic-service.ts";

const RUNS = Number(process.env.AI_RUNS ?? 40);

interface Run {
  readonly seed: number;
  /** Words of the answers of two tabs. */
  readonly words: readonly number[];
  readonly interval: number;
  /** Largest message of the service, in characters. */
  readonly maxSize: number;
  readonly faults: { readonly publish: number; readonly loses: number; readonly repeats: number };
  /** The number of published messages at which a reader joins. */
  readonly joins: readonly number[];
}

const run: fc.Arbitrary<Run> = fc.record({
  seed: fc.integer(),
  words: fc.array(fc.integer({ min: 0, max: 60 }), { minLength: 1, maxLength: 2 }),
  interval: fc.constantFrom(10, 15, 30),
  maxSize: fc.constantFrom(200, 400, 100_000),
  faults: fc.record({
    publish: fc.constantFrom(0, 0.2),
    loses: fc.constantFrom(0, 0.2),
    repeats: fc.constantFrom(0, 0.3),
  }),
  joins: fc.array(fc.integer({ min: 1, max: 15 }), { minLength: 1, maxLength: 5 }),
});

function serviceOf({ faults, maxSize }: Run, random: Random): TopicService {
  return new TopicService(random, {
    maxSize,
    failPublish: () =>
      random.chance(faults.publish)
        ? { error: clientError(503), isStored: random.chance(0.5) }
        : undefined,
    loses: () => random.chance(faults.loses),
    repeats: () => random.chance(faults.repeats),
  });
}

/** Asks for an answer in one tab. */
function ask(
  service: TopicService,
  parts: readonly UIMessageChunk[],
  interval: number,
  random: Random,
) {
  const transport = createChatTransport({
    realtime: service.client(),
    fetch: async () => {
      const { id } = publishStream(service, "chats/1", randomStream(parts, random), { interval });
      await new Promise((resolve) => setTimeout(resolve, random.between(0, 60)));
      return Response.json({ answer: id });
    },
  });
  return transport.sendMessages({
    ...{ trigger: "submit-message", chatId: "1", messageId: undefined, messages: [] },
    abortSignal: undefined,
  });
}

/** Joins when the service has so many messages. @returns null if no answer was running. */
async function join(service: TopicService, count: number, isOver: () => boolean) {
  await eventually(() => service.published >= count || isOver(), "the reader may join");
  const realtime = service.client();
  const stream = await createChatTransport({ realtime }).reconnectToStream({ chatId: "1" });
  return stream === null ? null : readAll(stream);
}

it("a reader sees every part once and in order, wherever it joins", {
  timeout: 300_000,
}, async () => {
  let joined = 0;
  await fc.assert(
    fc.asyncProperty(run, async (given) => {
      const random = seededRandom(given.seed);
      const service = serviceOf(given, random);
      const answers = given.words.map((count, tab) =>
        partsOf(
          `m${tab}`,
          Array.from({ length: count }, (_, n) => `${tab}:${n} `),
        ),
      );
      let isOver = false;
      const asking = Promise.all(
        answers.map(async (parts) => readAll(await ask(service, parts, given.interval, random))),
      ).finally(() => {
        isOver = true;
      });
      const joining = Promise.all(given.joins.map((count) => join(service, count, () => isOver)));
      expect(await within(asking, 60_000, "the answers end")).toEqual(answers);
      for (const seen of await within(joining, 60_000, "the readers end")) {
        if (seen === null) continue;
        joined += 1;
        expect(answers).toContainEqual(seen);
      }
    }),
    { numRuns: RUNS },
  );
  expect(joined).toBeGreaterThan(RUNS / 2);
});
