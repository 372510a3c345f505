import { expect, it } from "vitest";
import { createServer } from "../../../../src/api/server.ts";
import { eventually } from "../../../support/deadline.ts";
import { RecordingSink } from "../../../support/recording-sink.ts";

const withLast = (n: number) => `chat?options=${JSON.stringify({ query: { last: n } })}`;
const LARGE = "x".repeat(30_000);

it("a key with `last` that is added while another key receives kept messages begins with its own newest messages", async () => {
  const { registry, publish, close } = createServer({
    history: { messages: 6 },
    topics: [{ match: "chat", keep: 20 }],
  });
  const [first, second] = [withLast(20), withLast(2)];
  const say = (from: number, to: number) => {
    const numbers = Array.from({ length: to - from }, (_, n) => from + n);
    return publish(...numbers.map((n) => ({ topic: "chat", data: `${n} ${LARGE}` })));
  };
  await say(0, 10);
  await publish(...Array.from({ length: 6 }, (_, data) => ({ topic: "other", data })));
  const sink = new RecordingSink().hold();
  const connection = await registry.open({ topics: [first] });
  await connection.attach(sink);
  await eventually(() => sink.isAwaited, "a page is written");
  const seen = sink.data(first).length;
  expect(seen).toBeGreaterThan(0);
  expect(seen).toBeLessThan(10);
  await say(10, 14);
  await registry.setSubscriptions(connection.clientId, { subscriptions: [first, second] });
  sink.release();
  await publish({ topic: "chat", data: "live" });
  await eventually(() => sink.data(second).includes("live"), "the live message arrives");
  const numbers = (key: string) => sink.data(key).map((data) => String(data).split(" ")[0]);
  expect(numbers(second)).toEqual(["12", "13", "live"]);
  expect(numbers(first)).toHaveLength(15);
  connection.close("client");
  await close();
});
