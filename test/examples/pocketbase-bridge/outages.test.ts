/** What the hooks of the PocketBase bridge do when Pocketwire does not take a message. */
import { afterEach, describe, expect, it } from "vitest";
import { COLLECTIONS, minute, numbers, save, upTo } from "../../support/pocketbase/blog.ts";
import { PocketBaseStub } from "../../support/pocketbase/pocketbase.ts";
import type { Step } from "../../support/pocketbase/steps.ts";
import { closeTargets, refusal, type Sent, startTarget } from "../../support/pocketbase/target.ts";

afterEach(closeTargets);

const pocketbase = (url: string, env: Readonly<Record<string, string>> = {}) =>
  new PocketBaseStub(COLLECTIONS, { POCKETWIRE_URL: url, ...env });

describe("the hooks of the PocketBase bridge", () => {
  it("deliver each change once and in order after Pocketwire was away", async () => {
    const gone = await startTarget();
    await gone.close();
    const stub = pocketbase(gone.url);
    const away = await stub.run(upTo(250).map((n) => save(n)));
    expect(away.errors).toEqual([]);
    expect(away.queue).toHaveLength(250);
    expect(away.log.filter((line) => line.includes("does not answer"))).toHaveLength(1);

    const wire = await startTarget(() => undefined);
    const back = await stub.run([{ do: "exec", sql: "SELECT 1" }], { POCKETWIRE_URL: wire.url });
    expect(back.queue).toHaveLength(250);
    const { queue } = await stub.run([minute], { POCKETWIRE_URL: wire.url });
    expect(queue).toEqual([]);
    expect(numbers(wire.accepted)).toEqual(upTo(250));
    expect(new Set(wire.accepted.map(({ id }) => id)).size).toBe(250);
    expect(wire.batches.map(({ length }) => length)).toEqual([100, 100, 50]);
  });

  it("send one request at a time, and what was stored during a request right after it", async () => {
    const wire = await startTarget();
    const { queue } = await pocketbase(wire.url).run([
      { do: "during", steps: [save(2), save(3)] },
      save(1),
    ]);
    expect(queue).toEqual([]);
    expect(wire.batches.map(numbers)).toEqual([[1], [2, 3]]);
  });

  it("repeat a request whose answer was lost with the same ids", async () => {
    const wire = await startTarget((_, count) =>
      count === 0 ? { status: 502, body: "" } : undefined,
    );
    await pocketbase(wire.url).run([save(1), save(2), minute]);
    expect(numbers(wire.accepted)).toEqual([1, 2]);
    expect(wire.batches[1]?.[0]?.id).toBe(wire.batches[0]?.[0]?.id);
  });

  it("wait for Retry-After, then send everything in order", async () => {
    const busy = { ...refusal(503, "The server is stopping."), headers: { "Retry-After": "25" } };
    const wire = await startTarget((_, count) => (count < 2 ? busy : undefined));
    const { queue, log } = await pocketbase(wire.url).run([save(1), save(2), save(3), minute]);
    expect(queue).toEqual([]);
    expect(numbers(wire.accepted)).toEqual([1, 2, 3]);
    expect(log).toEqual([
      expect.stringContaining("answers 503. The server is stopping."),
      expect.stringContaining("accepts messages"),
    ]);
  });

  it("do not ask Pocketwire again before Retry-After is over", async () => {
    const busy = { ...refusal(503, "The server is stopping."), headers: { "Retry-After": "25" } };
    const wire = await startTarget(() => busy);
    await pocketbase(wire.url).run([save(1), save(2), minute]);
    // At 0, 25 and 50 seconds.
    expect(wire.batches).toHaveLength(3);
  });

  it("ask less and less often while Pocketwire is unavailable", async () => {
    const wire = await startTarget(() => refusal(503, "The server is full."));
    await pocketbase(wire.url).run([save(1), minute]);
    // At 0, 1, 3, 7, 15 and 31 seconds.
    expect(wire.batches).toHaveLength(6);
  });

  it("set a message aside that Pocketwire refuses, and send all others in order", async () => {
    const isBad = ({ record }: Sent) => record.n === 37;
    const wire = await startTarget((messages, count) => {
      if (count === 0) return { status: 503, body: "" };
      return messages.some(isBad) ? refusal(400, "The request is not valid.") : undefined;
    });
    const { queue, log } = await pocketbase(wire.url).run([
      ...upTo(60).map((n) => save(n)),
      minute,
    ]);
    expect(numbers(wire.accepted)).toEqual(upTo(60).filter((n) => n !== 37));
    expect(queue).toMatchObject([{ seq: 37, refused: "400 The request is not valid." }]);
    expect(log.filter((line) => line.includes("refuses the update of posts/r1"))).toHaveLength(1);
  });

  it("split a batch that is too large, also for a proxy", async () => {
    const wire = await startTarget((messages, count) => {
      if (count === 0) return { status: 503, body: "" };
      return messages.length > 10 ? { status: 413, body: "<h1>Too large</h1>" } : undefined;
    });
    const { queue } = await pocketbase(wire.url).run([...upTo(60).map((n) => save(n)), minute]);
    expect(queue).toEqual([]);
    expect(numbers(wire.accepted)).toEqual(upTo(60));
  });

  it.each([
    [refusal(401, "The key is wrong."), "Set REALTIME_ADMIN_KEY to the key that Pocketwire has."],
    [refusal(403, "No key is configured."), "Set REALTIME_ADMIN_KEY in Pocketwire"],
    [{ status: 404, body: "<h1>Not found</h1>" }, "Set POCKETWIRE_URL"],
    [{ status: 200, body: "<h1>Another page</h1>" }, "Set POCKETWIRE_URL"],
    [refusal(400, "Redirected.", { topic: { code: "validation_required" } }), "Set POCKETWIRE_URL"],
  ])("keep every message and say what to do at %j", async (answer, advice) => {
    const wire = await startTarget(() => answer);
    const { queue, log } = await pocketbase(wire.url).run([save(1), save(2), minute]);
    expect(queue.map(({ refused }) => refused)).toEqual(["", ""]);
    expect(log).toEqual([expect.stringContaining(advice)]);
  });

  it("bound the queue, and report the changes that are lost", async () => {
    const wire = await startTarget(() => refusal(503, "The server is full."));
    const stub = pocketbase(wire.url, { POCKETWIRE_MAX_QUEUE: "10" });
    const { queue, log } = await stub.run([...upTo(25).map((n) => save(n)), minute]);
    expect(queue.map(({ seq }) => seq)).toEqual(upTo(25).slice(15));
    expect(log.at(-1)).toContain("misses 15 changes");
  });

  it("send what is left when PocketBase was killed, and nothing twice", async () => {
    let isAway = true;
    const wire = await startTarget(() =>
      isAway ? refusal(503, "The server is stopping.") : undefined,
    );
    const stub = pocketbase(wire.url);
    await stub.run([save(1), save(2)]);
    isAway = false;
    await stub.run([save(3)]);
    const { queue } = await stub.run([minute]);
    expect(queue).toEqual([]);
    expect(numbers(wire.accepted)).toEqual([1, 2, 3]);
  });

  it("send nothing while PocketBase stops", async () => {
    const wire = await startTarget();
    const { queue } = await pocketbase(wire.url).run([{ do: "stop" }, save(1), minute]);
    expect(queue).toHaveLength(1);
    expect(wire.batches).toEqual([]);
  });

  it("leave PocketBase as it is without the settings, and say which are missing", async () => {
    const { errors, queue, log } = await pocketbase("").run([save(1), minute]);
    expect([errors, queue]).toEqual([[], []]);
    expect(log).toEqual([
      "Pocketwire receives nothing. Set POCKETWIRE_URL and REALTIME_ADMIN_KEY.",
    ]);
  });

  it("store neither the record nor the change if one of them fails, and keep the error", async () => {
    const wire = await startTarget();
    const broken: Step = { do: "exec", sql: "DROP TABLE _pocketwire_queue" };
    const stub = pocketbase(wire.url);
    const { errors } = await stub.run([broken, save(1)]);
    expect(errors).toEqual([expect.stringContaining("no such table: _pocketwire_queue")]);
    // PocketBase creates the table at its next start.
    await stub.run([save(2)]);
    expect(wire.accepted.map(({ action, record }) => [action, record.n])).toEqual([["create", 2]]);
  });
});
