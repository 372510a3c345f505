import { Hono } from "hono";
import { describe, expect, it } from "vitest";
import type { AccessRequest } from "../../../src/api/auth/settings.ts";
import type { ServerOptions } from "../../../src/api/options.ts";
import { createServer } from "../../../src/api/server.ts";
import { readConfig } from "../../../src/config/config.ts";
import { eventually } from "../../support/deadline.ts";

/** A service that an app mounts, called without a network. */
function embedded(options: ServerOptions) {
  const realtime = createServer(options);
  const app = new Hono();
  app.route("/", realtime.app);
  app.get("/api/mine", (c) => c.text("mine"));
  const post = async (path: string, body: unknown, user?: string) => {
    const headers = { "Content-Type": "application/json", ...(user && { "X-User": user }) };
    return app.request(path, { method: "POST", headers, body: JSON.stringify(body) });
  };
  const listen = async (query: string, user?: string) => {
    const headers: Record<string, string> = user === undefined ? {} : { "X-User": user };
    const response = await app.request(`/api/realtime${query}`, { headers });
    let text = "";
    const reader = response.body?.getReader();
    const read = async () => {
      const decoder = new TextDecoder();
      for (let part = await reader?.read(); part?.value; part = await reader?.read()) {
        text += decoder.decode(part.value);
      }
    };
    if (response.status === 200) void read();
    return { status: response.status, text: () => text, leave: () => reader?.cancel() };
  };
  return { realtime, app, post, listen };
}

const user = ({ req }: { req: { header(name: string): string | undefined } }) =>
  req.header("X-User");

describe("authorize", () => {
  const asked: Omit<AccessRequest, "context">[] = [];
  const authorize = async ({ context: _, ...access }: AccessRequest) => {
    asked.push(access);
    return access.topic === `users/${access.identity}` || access.topic === "public";
  };

  it("says who may subscribe to what, private messages included, and who may publish", async () => {
    const { realtime, app, post, listen } = embedded({ authenticate: user, authorize });
    const anna = await listen("?topic=users/anna&topic=public", "anna");
    const guest = await listen("?topic=public");
    expect((await listen("?topic=users/anna", "bert")).status).toBe(403);
    expect((await listen("?topic=users/*", "anna")).status).toBe(403);
    const history = await app.request("/api/realtime/messages?topic=users/anna");
    expect(history.status).toBe(403);
    await realtime.publish(
      { topic: "users/anna", data: "for anna", private: true },
      { topic: "public", data: "for those who may", private: true },
    );
    await eventually(() => anna.text().includes("for those who may"), "anna hears both");
    await eventually(() => guest.text().includes("for those who may"), "so does who is allowed");
    expect(anna.text()).toContain("for anna");
    expect(guest.text()).not.toContain("for anna");
    const message = { topic: "users/anna", data: 1 };
    expect((await post("/api/realtime/messages", message, "anna")).status).toBe(200);
    expect((await post("/api/realtime/messages", message, "bert")).status).toBe(403);
    expect((await post("/api/realtime/messages", message)).status).toBe(403);
    expect(asked).toContainEqual({ action: "publish", topic: "users/anna", identity: "bert" });
    expect(asked).toContainEqual({ action: "subscribe", topic: "users/*", identity: "anna" });
    await Promise.all([anna.leave(), guest.leave()]);
    await realtime.close();
  });
});

describe("authenticate", () => {
  it("may return the rights of a user, and when they end", async () => {
    const expiresAt = Date.now() + 300;
    const { realtime, listen } = embedded({
      authenticate: () => ({ subject: "anna", subscribe: ["a"], expiresAt }),
      authGrace: 100,
    });
    const anna = await listen("?topic=a");
    await realtime.publish({ topic: "a", data: "private", private: true });
    await eventually(() => anna.text().includes("PB_AUTH_EXPIRED"), "it ends");
    expect(anna.text()).toContain("private");
    await eventually(
      () => realtime.realtimeManager?.getAllClientIds().length === 0,
      "it is closed",
    );
    await realtime.close();
  });
});

describe("an app around it", () => {
  it("keeps its other routes as they are", async () => {
    const { app } = embedded({ origins: ["https://app.example.com"], health: true });
    const headers = { Origin: "https://app.example.com" };
    const answer = await app.request("/api/mine", { headers });
    expect(await answer.text()).toBe("mine");
    const ours = [
      "access-control-allow-origin",
      "x-content-type-options",
      "content-security-policy",
    ];
    expect(ours.map((name) => answer.headers.get(name))).toEqual([null, null, null]);
    const own = await app.request("/api/health", { headers });
    expect(ours.map((name) => own.headers.get(name))).not.toContain(null);
  });

  it("that does not know addresses has no limits by address", async () => {
    const { app } = embedded({ connectsPerSecond: 0.01, maxClientsPerAddress: 1 });
    for (let count = 0; count < 5; count++) {
      expect((await app.request("/api/realtime/messages?topic=a")).status).toBe(200);
    }
  });
});

describe("an unknown option or hook", () => {
  it.each([
    [{ adminkey: "12345678" }, 'There is no option "adminkey". Did you mean "adminKey"?'],
    [{ hooks: { onConect: () => {} } }, 'There is no hook "onConect". Did you mean "onConnect"?'],
    [{ somethingElse: 1 }, 'There is no option "somethingElse". Remove it.'],
    [
      { tokens: { secrets: [], audiance: "a" } },
      'There is no option of tokens "audiance". Did you mean "audience"?',
    ],
    [
      { introspection: { url: "https://a.example", cachetime: 1 } },
      'There is no option of introspection "cachetime". Did you mean "cacheTime"?',
    ],
  ])("is refused by name: %j", (options, message) => {
    expect(() => createServer(options as ServerOptions)).toThrow(message);
  });

  it.each(["", "short", "fifteen-letters", "with a space in the key"])(
    "as well as an admin key that could be guessed or that no header can carry: %j",
    (adminKey) => {
      expect(() => createServer({ adminKey })).toThrow(
        "adminKey must be 16 to 255 visible ASCII characters without spaces.",
      );
    },
  );

  it("is not in the result of readConfig", () => {
    expect(() => createServer(readConfig({}))).not.toThrow();
  });

  it("is refused in a message that the app publishes", async () => {
    const { publish } = createServer();
    const message = { topic: "a", data: 1, privte: true };
    await expect(publish(message)).rejects.toMatchObject({ code: "invalid_input" });
  });
});
