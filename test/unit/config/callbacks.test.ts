import { expect, it } from "vitest";
import { createServer } from "../../../src/api/server.ts";
import { readConfig } from "../../../src/config/config.ts";
import { CALLBACK_SECRET as secret } from "../../support/callback-backend.ts";

const url = "https://example.com/hook";
const URL = { REALTIME_CALLBACK_URL: url };
const SECRET = { REALTIME_CALLBACK_SECRET: secret };
const ASK = { REALTIME_CALLBACK_ASK: "connect" };

it.each([
  ["URL", { ...SECRET, ...ASK }],
  ["URL", ASK],
  ["URL", { REALTIME_CALLBACK_HEADERS: "cookie" }],
  ["SECRET", { ...URL, ...ASK }],
  ["ASK or REALTIME_CALLBACK_TELL", { ...URL, ...SECRET }],
])("callbacks without REALTIME_CALLBACK_%s stop the start", (missing, variables) => {
  expect(() => readConfig(variables)).toThrow(`but REALTIME_CALLBACK_${missing} is not set.`);
});

it("the secret is in no error", () => {
  const short = "whsec_c2VjcmV0";
  expect(() => readConfig({ ...URL, ...ASK, REALTIME_CALLBACK_SECRET: short })).toThrow(
    "REALTIME_CALLBACK_SECRET must be whsec_ followed by at least 24 bytes in Base64; its value is not shown",
  );
});

it.each([
  [{ secret: "short" }, "callbacks.secret must be whsec_"],
  [{ url: "example.com" }, "callbacks.url must be a URL"],
  [{ ask: [] }, "callbacks has neither ask nor tell"],
  [{ ask: ["conect"] }, 'callbacks.ask has "conect". Use connect, subscribe, publish.'],
  [{ tell: ["vacant"] }, 'callbacks.tell has "vacant".'],
  [{ timout: 1 }, 'There is no option of callbacks "timout". Did you mean "timeout"?'],
])("createServer refuses callbacks %j", (wrong, message) => {
  const callbacks = { url, secret, ask: ["connect"], ...wrong } as never;
  expect(() => createServer({ callbacks })).toThrow(message);
});
