import { expect, it } from "vitest";
import { createServer } from "../../../src/api/server.ts";
import type { LogFields } from "../../../src/realtime/types.ts";

const ADMIN = { Authorization: "an-admin-key-of-a-test" };

function processWithLog() {
  const warnings: (LogFields & { readonly msg: string })[] = [];
  const warn = (msg: string, fields?: LogFields) => void warnings.push({ ...fields, msg });
  let time = 0;
  const server = createServer({
    adminKey: ADMIN.Authorization,
    logger: { debug() {}, info() {}, warn, error() {} },
    now: () => time,
  });
  const ask = async (method: string, path: string, body?: unknown) => {
    const headers = { ...ADMIN, "Content-Type": "application/json" };
    const init = body === undefined ? {} : { body: JSON.stringify(body) };
    const answer = await server.app.request(path, { method, headers, ...init });
    return [answer.status, ((await answer.json()) as { message: string }).message] as const;
  };
  const pass = (milliseconds: number) => {
    time += milliseconds;
  };
  return { server, warnings, ask, pass };
}

const FOREIGN = expect.stringContaining("belongs to another process or to an earlier start");

it.each([
  ["with a cursor of the history", {}],
  ["without one", { last: 5 }],
])(
  "a client of another process, %s, differs from an unknown client, in the response and in the log",
  async (_, start) => {
    const mine = processWithLog();
    const other = processWithLog();
    const { clientId } = await other.server.registry.open(start);
    const asks = () => [
      mine.ask("POST", "/api/realtime", { clientId, subscriptions: ["a"] }),
      mine.ask("DELETE", `/api/realtime/clients/${clientId}`),
      mine.ask("GET", `/api/realtime/clients/${clientId}`),
    ];
    for (const answer of await Promise.all(asks())) expect(answer).toEqual([404, FOREIGN]);
    expect(mine.warnings).toMatchObject([{ clientId }]);
    mine.pass(60_000);
    await Promise.all(asks());
    expect(mine.warnings.slice(1)).toMatchObject([{ count: 3 }]);
  },
);

it("a client of this process that has disconnected is unknown, and so is an id that is no client id", async () => {
  const { server, ask, warnings } = processWithLog();
  const { clientId } = await server.registry.open({});
  for (const id of [clientId, "x", "0-x"]) {
    const [status, message] = await ask("POST", "/api/realtime", { clientId: id });
    expect([id, status, message]).toEqual([id, 404, "Missing or invalid client id."]);
  }
  expect(warnings).toEqual([]);
});
