import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it } from "vitest";
import { bunPath } from "../../scripts/bun.mjs";
import { ADMIN_KEY, call, postJSON, publish, readStats } from "../support/api.ts";
import { closeClients } from "../support/clients.ts";
import { eventually, within } from "../support/deadline.ts";
import { NODE, startService } from "../support/service.ts";
import { openStream, type SSEClient } from "../support/sse-client.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const stops: (() => void)[] = [];
const running: ChildProcess[] = [];

afterEach(() => {
  closeClients();
  for (const stop of stops.splice(0)) stop();
});

it("the bridge names the missing settings, and fails", async () => {
  const env = { PATH: process.env.PATH, COLLECTIONS: "posts" };
  const child = spawn(process.execPath, ["examples/pocketbase-bridge/listen.mjs"], {
    cwd: root,
    env,
  });
  stops.push(() => child.kill());
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  const code = await eventually(() => child.exitCode ?? undefined, "the bridge ends");
  expect(code).toBe(1);
  await eventually(
    () => said.includes("POCKETWIRE_URL, REALTIME_ADMIN_KEY"),
    "the bridge prints the reason",
  );
});

/** Runs an example as its README says, until the test ends. @returns the first line that the example prints. */
async function run(
  file: string,
  env: Record<string, string>,
  program = process.execPath,
): Promise<string> {
  const child = spawn(program, [`examples/${file}`], {
    cwd: root,
    env: { ...process.env, ...env },
  });
  running.push(child);
  stops.push(() => child.kill("SIGKILL"));
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  }
  return eventually(() => {
    if (child.exitCode !== null) throw new Error(`It ended: ${output}`);
    return /^(http:\S+|passing on .+)$/m.exec(output)?.[1];
  }, `${file} prints that it runs`);
}

/** Sends SIGTERM to the example that was started last. @returns its exit code. */
async function stopLast(): Promise<number | null> {
  const child = running.at(-1);
  if (child === undefined) throw new Error("No example runs.");
  const exited = new Promise<number | null>((resolve) => child.once("exit", resolve));
  child.kill("SIGTERM");
  return within(exited, 20_000, "the example ends");
}

const dataOf = ({ events }: SSEClient, name: string): unknown[] =>
  events.filter(({ event }) => event === name).map(({ data }) => JSON.parse(data));

describe("the example", () => {
  it("chat.mjs shows the last messages and the members of the room", async () => {
    const url = await run("chat.mjs", { PORT: "18441" });
    expect((await call(url, "/")).body).toContain("<title>Chat</title>");
    for (const text of ["one", "two"]) {
      const answer = await postJSON(url, "/rooms/lobby", { who: "anna", text });
      expect(answer.status).toBe(200);
    }
    const query = "?topic=chat/lobby&topic=$presence/chat/lobby&last=20";
    const first = await openStream(url, {}, query);
    const changes = () => dataOf(first, "$presence/chat/lobby");
    await eventually(() => dataOf(first, "chat/lobby").length === 2, "the last messages");
    await eventually(
      () => changes().some((change) => (change as { guests?: number }).guests === 1),
      "one guest is shown",
    );
    const signedIn = await fetch(`${url}/sign-in`, { method: "POST", body: '{"name":"ann"}' });
    const cookie = signedIn.headers.get("Set-Cookie")?.split(";")[0] ?? "";
    const second = await openStream(
      url,
      { headers: { Cookie: cookie, "Sec-Fetch-Site": "same-origin" } },
      query,
    );
    const ofAnn = (type: string) =>
      changes().some((change) => {
        const { member, ...rest } = change as { type: string; member?: { info: object } };
        return rest.type === type && JSON.stringify(member?.info) === '{"name":"ann"}';
      });
    await eventually(() => ofAnn("join"), "ann joins");
    second.close();
    await eventually(() => ofAnn("leave"), "ann leaves after the grace");
    expect((await postJSON(url, "/sign-in", { name: "" })).status).toBe(400);
    expect((await postJSON(url, "/rooms/lobby", { who: 1 })).status).toBe(400);
  });

  it("dashboard.ts shows each change of a SQLite table", async () => {
    const url = await run("dashboard.ts", { PORT: "18442" }, bunPath());
    expect((await call(url, "/")).body).toContain("<title>Orders</title>");
    const client = await openStream(url, {}, "?topic=orders/*");
    await postJSON(url, "/orders", { item: "tea", cents: 350 });
    await eventually(() => dataOf(client, "orders/*").length === 1, "the order");
    expect(dataOf(client, "orders/*")).toEqual([
      { action: "create", record: { id: "1", item: "tea", cents: 350 } },
    ]);
    expect((await call(url, "/orders")).body).toEqual([{ id: 1, item: "tea", cents: 350 }]);
  });

  it("embed.mjs gives each user only the letters addressed to that user", async () => {
    const url = await run("embed.mjs", { PORT: "18443" });
    const signIn = async (user: string) => {
      const answer = await postJSON(url, "/sign-in", { user });
      return { Cookie: (answer.headers.get("set-cookie") ?? "").split(";")[0] ?? "" };
    };
    const [anna, bert] = [await signIn("anna"), await signIn("bert")];
    const own = await openStream(url, { headers: { ...anna, Origin: url } }, "?topic=inbox/*");
    const other = await openStream(url, { headers: { ...bert, Origin: url } }, "?topic=inbox/*");
    expect((await postJSON(url, "/letters/anna", { text: "hello" })).status).toBe(401);
    expect((await postJSON(url, "/letters/anna", { text: "hello" }, bert)).status).toBe(202);
    await postJSON(url, "/letters/bert", { text: "dear" }, anna);
    await eventually(
      () => dataOf(own, "inbox/*").length + dataOf(other, "inbox/*").length === 2,
      "both",
    );
    expect(dataOf(own, "inbox/*")).toEqual([{ from: "bert", text: "hello" }]);
    expect(dataOf(other, "inbox/*")).toEqual([{ from: "anna", text: "dear" }]);
  });

  it("progress.mjs shows the progress of a job to a page that opens late", async () => {
    const url = await run("progress.mjs", { PORT: "18444", PAUSE: "30" });
    const { id } = (await postJSON(url, "/jobs", {})).body;
    const early = await openStream(url, {}, `?last=1&topic=jobs/${id}`);
    await eventually(() => dataOf(early, `jobs/${id}`).length > 5, "the progress continues");
    const late = await openStream(url, {}, `?last=1&topic=jobs/${id}`);
    const end = { step: 20, of: 20, isDone: true };
    for (const client of [early, late]) {
      await eventually(
        () =>
          dataOf(client, `jobs/${id}`).length > 0 &&
          (dataOf(client, `jobs/${id}`).at(-1) as typeof end).isDone,
        "its end",
      );
      expect(dataOf(client, `jobs/${id}`).at(-1)).toEqual(end);
    }
    expect((dataOf(late, `jobs/${id}`)[0] as typeof end).step).toBeGreaterThan(1);
  });

  // A second Pocketwire replaces PocketBase, because npm has no package of PocketBase's server. Both speak the same protocol.
  it("pocketbase-bridge/listen.mjs passes record events on, once and in order, and also after an outage of either side", async () => {
    const source = await startService(NODE);
    const settings = { PORT: "18445" };
    const target = await startService(NODE, { env: settings });
    const env = {
      POCKETBASE_URL: source.url,
      COLLECTIONS: "posts,comments",
      POCKETWIRE_URL: target.url,
      REALTIME_ADMIN_KEY: ADMIN_KEY,
    };
    expect(await run("pocketbase-bridge/listen.mjs", env)).toBe("passing on posts,comments");
    await eventually(
      async () => (await readStats(source.url)).subscriptions === 2,
      "the bridge subscribes",
    );
    const change = (n: number) =>
      publish(source.url, { collection: "posts", action: "update", record: { id: "r1", n } });
    const first = await openStream(target.url, {}, "?topic=posts/*");
    for (const n of [1, 2, 3]) await change(n);
    await eventually(() => dataOf(first, "posts/*").length === 3, "the record events arrive");
    expect(dataOf(first, "posts/*")).toEqual(
      [1, 2, 3].map((n) => ({ action: "update", record: { id: "r1", n } })),
    );
    await target.stop();
    for (const n of [4, 5]) await change(n);
    const again = await startService(NODE, { env: settings });
    const second = await openStream(again.url, {}, "?topic=posts/*&last=10");
    await eventually(
      () => dataOf(second, "posts/*").length === 2,
      "the remaining events after the outage",
    );
    expect(
      dataOf(second, "posts/*").map((event) => (event as { record: { n: number } }).record.n),
    ).toEqual([4, 5]);
    await again.stop();
    await source.stop();
  });

  it.each([
    ["chat.mjs", "18446", process.execPath],
    ["dashboard.ts", "18447", bunPath()],
    ["embed.mjs", "18448", process.execPath],
    ["progress.mjs", "18449", process.execPath],
  ])("%s ends its streams with a retry when it is stopped", async (file, PORT, program) => {
    const url = await run(file, { PORT }, program);
    const client = await openStream(url);
    expect(await stopLast()).toBe(0);
    expect(await client.ended).toBe("end");
    expect(client.retries.length).toBe(1);
  });
});
