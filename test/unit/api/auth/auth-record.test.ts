import { afterEach, describe, expect, it, vi } from "vitest";
import type { Identity } from "../../../../src/api/auth/claims.ts";
import type { ServerOptions } from "../../../../src/api/options.ts";
import { createServer } from "../../../../src/api/server.ts";
import { createMemoryLog } from "../../../../src/log/memory.ts";
import { RealtimeManager } from "../../../../src/realtime/manager.ts";
import { MAX_AUTH_RECORD, type Principal } from "../../../../src/realtime/types.ts";
import { createInProcessRegistry } from "../../../../src/registry/in-process/registry.ts";
import { RecordingSink } from "../../../support/recording-sink.ts";
import { bearer, JWT_SECRET, signToken } from "../../../support/tokens.ts";

const ADMIN_KEY = "the-admin-key-of-this-test";

afterEach(() => vi.restoreAllMocks());

type Headers = Readonly<Record<string, string>>;

/** A service without a network. `callers` makes one request of each kind, and returns what the registry was told of the sender. */
function world(options: ServerOptions = {}) {
  const manager = new RealtimeManager();
  const registry = createInProcessRegistry({ manager, log: createMemoryLog() });
  const { app } = createServer({
    ...{ registry, adminKey: ADMIN_KEY, tokens: { secrets: [JWT_SECRET] } },
    ...options,
  });
  const open = vi.spyOn(registry, "open");
  const setSubscriptions = vi.spyOn(registry, "setSubscriptions");
  const history = vi.spyOn(registry, "history");
  let clients = 0;
  const subscribe = async (headers: Headers, more: object = {}) => {
    clients += 1;
    const clientId = `c${clients}`;
    manager.registerClient(clientId, new RecordingSink());
    return app.request("/api/realtime", {
      method: "POST",
      headers: { "Content-Type": "application/json", ...headers },
      body: JSON.stringify({ clientId, subscriptions: ["a"], ...more }),
    });
  };
  const callers = async (headers: Headers = {}): Promise<(Principal | undefined)[]> => {
    const stream = await app.request("/api/realtime?topic=a", { headers });
    await stream.body?.cancel();
    expect((await subscribe(headers)).status).toBe(204);
    expect((await app.request("/api/realtime/messages?topic=a", { headers })).status).toBe(200);
    return [
      open.mock.calls.at(-1)?.[0],
      setSubscriptions.mock.calls.at(-1)?.[1],
      history.mock.calls.at(-1)?.[1],
    ];
  };
  return { app, callers, subscribe };
}

/** `auth` and `isAdmin` of the senders, which must be the same for every kind of request. */
async function senderOf(callers: Promise<(Principal | undefined)[]>) {
  const [first, ...others] = (await callers).map((principal) => ({
    auth: principal?.auth,
    isAdmin: principal?.isAdmin ?? false,
  }));
  for (const other of others) expect(other).toEqual(first);
  return first;
}

/** A record of `anna` with this size as JSON. */
function recordOfSize(bytes: number) {
  const empty = JSON.stringify({ id: "anna", bio: "" }).length;
  return { id: "anna", bio: "x".repeat(bytes - empty) };
}

describe("the record of a token", () => {
  it.each<[string, object, object]>([
    ["with its own id", { id: "r1", role: "editor" }, { id: "r1", role: "editor" }],
    ["with the subject as id", { role: "editor" }, { role: "editor", id: "anna" }],
    ["with the subject in place of null", { id: null }, { id: "anna" }],
    ["with an empty id, which is an id", { id: "" }, { id: "" }],
  ])("goes with the stream, the subscriptions and the history: %s", async (_, record, auth) => {
    const headers = bearer(await signToken({ record }));
    expect(await senderOf(world().callers(headers))).toEqual({ auth, isAdmin: false });
  });

  it("is only the id when the token has none", async () => {
    const headers = bearer(await signToken());
    expect(await senderOf(world().callers(headers))).toEqual({
      auth: { id: "anna" },
      isAdmin: false,
    });
  });

  it("may have 8,192 bytes as JSON", async () => {
    const record = recordOfSize(MAX_AUTH_RECORD);
    const headers = bearer(await signToken({ record }));
    expect((await senderOf(world().callers(headers)))?.auth).toEqual(record);
  });

  it.each<[string, unknown, string]>([
    ["a byte more", recordOfSize(MAX_AUTH_RECORD + 1), "8193 bytes as JSON, and at most 8192"],
    ["8,193 bytes because of its id", { bio: "x".repeat(8171) }, "8193 bytes as JSON"],
    ["fewer characters than bytes", { bio: "ü".repeat(4200) }, "8422 bytes as JSON"],
    ["no object but a text", "anna", "claim record is not a JSON object"],
    ["no object but a list", [{ id: "anna" }], "claim record is not a JSON object"],
    ["no object but null", null, "claim record is not a JSON object"],
  ])("refuses the token when it has %s, and the error says so", async (_, record, said) => {
    const headers = bearer(await signToken({ record }));
    const answer = await world().subscribe(headers);
    expect(answer.status).toBe(401);
    expect((await answer.json()).message).toContain(said);
  });
});

describe("the record of an identity that an app returns", () => {
  const signedIn = (record: unknown) =>
    world({
      // The cast lets apps without types return what an `Identity` does not have.
      authenticate: () => ({ subject: "anna", record, isAdmin: true }) as Identity,
    });

  it("goes with the requests of the user as JSON, with the subject as id", async () => {
    const record = { role: "editor", since: new Date(0), left: undefined };
    expect(await senderOf(signedIn(record).callers())).toEqual({
      auth: { role: "editor", since: "1970-01-01T00:00:00.000Z", id: "anna" },
      isAdmin: false,
    });
  });

  it("is a copy, so the app may change its own object", async () => {
    const record = { tags: ["a"] };
    const [stream] = await signedIn(record).callers();
    record.tags.push("b");
    expect(stream?.auth).toEqual({ tags: ["a"], id: "anna" });
  });

  it("is only the id when the app returns a subject", async () => {
    const { callers } = world({ authenticate: () => "bert" });
    expect((await senderOf(callers()))?.auth).toEqual({ id: "bert" });
  });

  it.each<[string, unknown]>([
    ["too large", recordOfSize(MAX_AUTH_RECORD + 1)],
    ["a list", ["anna"]],
    ["null", null],
    ["a function", () => "anna"],
    ["a number that JSON lacks", { n: 1n }],
  ])("fails the request when it is %s", async (_, record) => {
    const logged: unknown[] = [];
    const none = () => {};
    const error = (_message: string, fields: unknown) => logged.push(fields);
    const { subscribe } = world({
      authenticate: () => ({ subject: "anna", record }) as Identity,
      logger: { debug: none, info: none, warn: none, error },
    });
    expect((await subscribe({})).status).toBe(500);
    expect(JSON.stringify(logged)).toContain("The record of an identity");
  });
});

describe("a guest", () => {
  it("has no record and is no administrator", async () => {
    expect(await senderOf(world().callers())).toEqual({ auth: undefined, isAdmin: false });
  });

  it("has no record when its token has expired", async () => {
    const { callers, subscribe } = world();
    const headers = bearer(await signToken({ record: { role: "editor" }, exp: 1 }));
    expect((await subscribe(headers)).status).toBe(204);
    expect(await senderOf(callers())).toEqual({ auth: undefined, isAdmin: false });
  });
});

describe("the administrators' key", () => {
  it("makes the sender of a request an administrator, without a record", async () => {
    const sender = await senderOf(world().callers(bearer(ADMIN_KEY)));
    expect(sender).toEqual({ auth: undefined, isAdmin: true });
  });

  it("also where the app identifies users", async () => {
    const { callers } = world({ authenticate: () => "anna", authorize: () => true });
    expect((await senderOf(callers(bearer(ADMIN_KEY))))?.isAdmin).toBe(true);
  });

  it("is the only way: no claim, body or parameter makes an administrator", async () => {
    const { app, callers, subscribe } = world();
    const claims = { isAdmin: true, realtime: { isAdmin: true }, record: { isAdmin: true } };
    const sender = await senderOf(callers(bearer(await signToken(claims))));
    expect(sender).toEqual({ auth: { isAdmin: true, id: "anna" }, isAdmin: false });
    for (const more of [{ isAdmin: true }, { auth: { id: "anna" } }, { principal: {} }]) {
      expect((await subscribe({}, more)).status).toBe(400);
    }
    expect((await app.request("/api/realtime?topic=a&isAdmin=true")).status).toBe(400);
  });
});
