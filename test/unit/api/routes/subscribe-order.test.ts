import { afterEach, describe, expect, it } from "vitest";
import { createIntrospection } from "../../../../src/api/auth/introspection.ts";
import type { ServerOptions } from "../../../../src/api/options.ts";
import { createServer } from "../../../../src/api/server.ts";
import { hibernationOf, RealtimeManager } from "../../../../src/realtime/manager.ts";
import { eventually } from "../../../support/deadline.ts";
import { type JSONAnswer, type JSONServer, startJSONServer } from "../../../support/json-server.ts";
import { RecordingSink } from "../../../support/recording-sink.ts";
import { inSeconds, JWT_SECRET, tokenFor } from "../../../support/tokens.ts";

/** A promise that the test settles. */
function gate() {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open: () => open() };
}

let issuer: JSONServer | undefined;
afterEach(async () => {
  await issuer?.close();
  issuer = undefined;
});

/** A service without a network, one client, and requests as the user that `X-User` names. */
function world(options: ServerOptions) {
  const server = createServer({
    authenticate: ({ req }) => req.header("X-User") || undefined,
    ...options,
  });
  const sink = new RecordingSink();
  server.realtimeManager?.registerClient("c", sink);
  const post = async (path: string, body: unknown, user = "", token = "") => {
    const headers = { "Content-Type": "application/json", "X-User": user, Authorization: token };
    return server.app.request(path, { method: "POST", headers, body: JSON.stringify(body) });
  };
  return {
    ...{ server, sink, post },
    subscribe: (subscriptions: readonly string[], user?: string, token?: string) =>
      post("/api/realtime", { clientId: "c", subscriptions }, user, token),
    client: () => server.realtimeManager?.getClient("c"),
  };
}

describe("two requests for one client, of which the older one waits", () => {
  const waiting: [name: string, options: (wait: () => Promise<void>) => ServerOptions][] = [
    ["authenticate", (wait) => ({ authenticate: async () => void (await wait()) })],
    ["authorize", (wait) => ({ authorize: () => wait().then(() => true) })],
    ["onSubscribe", (wait) => ({ hooks: { onSubscribe: wait } })],
  ];
  it.each(waiting)("in %s: the newer one stands, and both are answered 204", async (_, options) => {
    const { opened, open } = gate();
    let asked = 0;
    const test = world(
      options(async () => {
        asked += 1;
        if (asked === 1) await opened;
      }),
    );
    const older = test.subscribe(["a"]);
    await eventually(() => asked === 1, "the older request waits");
    expect((await test.subscribe(["a", "b"])).status).toBe(204);
    open();
    expect((await older).status).toBe(204);
    expect(test.client()?.subscriptions).toEqual(["a", "b"]);
  });

  it("keep the identity and rights of the newer one", async () => {
    const { opened, open } = gate();
    let asked = 0;
    const test = world({
      authenticate: async ({ req }) => {
        asked += 1;
        if (asked === 1) await opened;
        const subject = req.header("X-User");
        return subject ? { subject, subscribe: ["private/*"] } : undefined;
      },
    });
    const older = test.subscribe(["a"]);
    await eventually(() => asked === 1, "the older request waits");
    expect((await test.subscribe(["b"], "anna")).status).toBe(204);
    open();
    // It came from a guest, as the client was one when the request arrived.
    expect((await older).status).toBe(204);
    expect(test.client()).toMatchObject({ identity: "anna", rights: ["private/*"] });
    expect(test.client()?.subscriptions).toEqual(["b"]);
  });

  it("apply the older one when the newer one was refused", async () => {
    const { opened, open } = gate();
    const test = world({
      authorize: async ({ topic }) => {
        if (topic === "a") await opened;
        return topic === "a";
      },
    });
    const older = test.subscribe(["a"]);
    expect((await test.subscribe(["b"])).status).toBe(403);
    open();
    expect((await older).status).toBe(204);
    expect(test.client()?.subscriptions).toEqual(["a"]);
  });

  it("send a client nothing about a token that has expired when a newer request brought a fresh token", async () => {
    const { opened, open } = gate();
    let asked = 0;
    const test = world({
      authenticate: undefined,
      tokens: { secrets: [JWT_SECRET] },
      hooks: {
        onSubscribe: async () => {
          asked += 1;
          if (asked === 1) await opened;
        },
      },
    });
    const older = test.subscribe(["a"], "", await tokenFor("anna", {}, { exp: inSeconds(-60) }));
    await eventually(() => asked === 1, "the older request waits");
    expect((await test.subscribe(["b"], "", await tokenFor("anna", {}))).status).toBe(204);
    open();
    expect((await older).status).toBe(204);
    expect(test.client()).toMatchObject({ identity: "anna", subscriptions: ["b"] });
    // A page that heard of it would clear its fresh token.
    expect(test.sink.events).toEqual([]);
  });

  it("have an order when they arrive in the same millisecond, and when the clock goes back", async () => {
    const { opened, open } = gate();
    let time = 5000;
    const test = world({
      now: () => time,
      hooks: { onSubscribe: ({ subscriptions: [key] }) => (key === "a" ? opened : undefined) },
    });
    const older = test.subscribe(["a"]);
    expect((await test.subscribe(["b"])).status).toBe(204);
    time = 1000;
    expect((await test.subscribe(["c"])).status).toBe(204);
    open();
    expect((await older).status).toBe(204);
    expect(test.client()?.subscriptions).toEqual(["c"]);
  });
});

describe("a client that is kept through a sleep", () => {
  it("still knows which request was its newest", () => {
    const manager = new RealtimeManager();
    manager.registerClient("c", new RecordingSink());
    manager.setSubscriptions("c", { subscriptions: ["new"], arrivedAt: 20 });
    const kept = hibernationOf(manager).snapshotOf("c");
    const woken = new RealtimeManager();
    hibernationOf(woken).restoreClient(
      kept ?? { clientId: "", connectedAt: 0 },
      ["new"],
      new RecordingSink(),
    );
    woken.setSubscriptions("c", { subscriptions: ["old"], arrivedAt: 10 });
    expect(woken.getClient("c")?.subscriptions).toEqual(["new"]);
    // The same request again, because its answer was lost.
    woken.setSubscriptions("c", { subscriptions: ["new", "again"], arrivedAt: 20 });
    expect(woken.getClient("c")?.subscriptions).toEqual(["new", "again"]);
  });
});

describe("a credential that ends while a request waits", () => {
  it.each(["expired", "revoked"])("by being %s publishes nothing any more", async (how) => {
    let time = 10_000;
    const { opened, open } = gate();
    let isAsked = false;
    const test = world({
      now: () => time,
      authenticate: () => ({ subject: "anna", publish: ["*"], issuedAt: 9000, expiresAt: 20_000 }),
      hooks: {
        onMessage: async () => {
          isAsked = true;
          await opened;
        },
      },
    });
    const published = test.post("/api/realtime/messages", { topic: "a", data: 1 });
    await eventually(() => isAsked, "the hook is asked");
    if (how === "expired") time = 20_000;
    else await test.server.registry.revoke({ subject: "anna" });
    open();
    expect((await published).status).toBe(401);
    expect((await test.server.registry.stats()).accepted).toBe(0);
  });

  it("reads no history any more", async () => {
    let time = 10_000;
    const test = world({
      now: () => time,
      authenticate: () => ({
        subject: "anna",
        subscribe: ["*"],
        issuedAt: 9000,
        expiresAt: 20_000,
      }),
      hooks: {
        onSubscribe: () => {
          time = 20_000;
        },
      },
    });
    const { status } = await test.server.app.request("/api/realtime/messages?topic=a");
    expect(status).toBe(401);
  });

  it("by being revoked while authenticate looks it up sets no subscriptions", async () => {
    const { opened, open } = gate();
    let time = 10_000;
    let isAsked = false;
    const test = world({
      now: () => time,
      authenticate: async () => {
        isAsked = true;
        await opened;
        return "anna";
      },
    });
    const subscribed = test.subscribe(["a"]);
    await eventually(() => isAsked, "authenticate is asked");
    time = 11_000;
    await test.server.registry.revoke({ subject: "anna" });
    time = 12_000;
    open();
    expect((await subscribed).status).toBe(401);
    expect(test.client()?.subscriptions).toEqual([]);
  });
});

describe("answers of an issuer that arrive in another order than they were asked for", () => {
  it("leave the one that was asked for last", async () => {
    const { opened, open } = gate();
    let asked = 0;
    issuer = await startJSONServer(async (): Promise<JSONAnswer> => {
      asked += 1;
      if (asked > 1) return { status: 401 };
      await opened;
      return { body: { sub: "anna", exp: inSeconds(60) } };
    });
    const verify = createIntrospection({ url: issuer.url });
    const first = verify("opaque-token");
    await eventually(() => asked === 1, "the first question arrives");
    await expect(verify("opaque-token")).rejects.toMatchObject({ code: "refused_token" });
    open();
    await first;
    await expect(verify("opaque-token")).rejects.toMatchObject({ code: "refused_token" });
    expect(asked).toBe(2);
  });
});
