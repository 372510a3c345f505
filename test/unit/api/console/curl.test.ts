import { expect, it } from "vitest";
import { formatCurl } from "../../../../src/api/console/browser/docs/curl.ts";
import type { Document, Operation } from "../../../../src/api/console/browser/docs/document.ts";
import { createServer } from "../../../../src/api/server.ts";

const { app } = createServer({ openapi: true });
const { paths }: Document = await (await app.request("/api/openapi.json")).json();

function commandOf(path: string, method: string): string {
  const operation = paths[path]?.[method] as Operation;
  const listed = { id: "x", method: method.toUpperCase(), path, isWebhook: false, operation };
  return formatCurl(listed, "https://rt.example").replaceAll(/ \\\n +/g, " ");
}

it.each([
  ["/api/realtime", "get", "curl -N 'https://rt.example/api/realtime?topic=chat'"],
  [
    "/api/realtime/messages",
    "post",
    `curl 'https://rt.example/api/realtime/messages' -H "Authorization: Bearer $REALTIME_ADMIN_KEY" -H 'Content-Type: application/json' -d '{"topic":"chat","data":{"text":"hello"}}'`,
  ],
  [
    "/api/realtime/messages",
    "delete",
    `curl -X DELETE 'https://rt.example/api/realtime/messages?topic=users%2F7%2F*' -H "Authorization: Bearer $REALTIME_ADMIN_KEY"`,
  ],
  ["/api/realtime/messages", "get", "curl 'https://rt.example/api/realtime/messages?topic=chat'"],
])("the command for %s, %s", (path, method, command) => {
  expect(commandOf(path, method)).toBe(command);
});

it("quotes a body for the shell", () => {
  const operation: Operation = {
    ...{ summary: "", tags: [], security: [{}], responses: {} },
    requestBody: { content: { "application/json": { schema: {}, example: "it's" } } },
  };
  const listed = { id: "x", method: "POST", path: "/a", isWebhook: false, operation };
  expect(formatCurl(listed, "")).toContain(`-d '"it'\\''s"'`);
});
