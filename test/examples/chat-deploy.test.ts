import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { EventSource } from "eventsource";
import { afterEach, describe, expect, it } from "vitest";
import { postJSON } from "../support/api.ts";
import { closeClients, trackClient } from "../support/clients.ts";
import { eventually, within } from "../support/deadline.ts";
import { nodeWithSqlite } from "../support/sqlite-runtime.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const URL_OF_CHAT = "http://127.0.0.1:18446";
const PAGES = 20;

/** A page of the chat: the texts that it shows, and what it was told when it reconnected. */
interface ChatPage {
  readonly shown: string[];
  readonly recovered: boolean[];
}

function openPage(): ChatPage {
  const topic = `chat/lobby?options=${encodeURIComponent('{"last":20}')}`;
  const query = new URLSearchParams([
    ["topic", topic],
    ["topic", "$presence/chat/lobby"],
  ]);
  const page: ChatPage = { shown: [], recovered: [] };
  const source = new EventSource(`${URL_OF_CHAT}/api/realtime?${query}`);
  trackClient(() => source.close());
  source.addEventListener(topic, ({ data }) => page.shown.push(JSON.parse(data).text));
  source.addEventListener("PB_RESUME", ({ data }) =>
    page.recovered.push(JSON.parse(data).recovered),
  );
  return page;
}

const node = nodeWithSqlite();
const reason = node === undefined ? ` (skipped: Node ${process.version} has no SQLite)` : "";

describe.skipIf(node === undefined)(`a deploy of the example chat.mjs${reason}`, () => {
  let chat: ChildProcess | undefined;
  const data = mkdtempSync(join(tmpdir(), "pocketwire-chat-"));
  afterEach(() => {
    closeClients();
    chat?.kill("SIGKILL");
    rmSync(data, { recursive: true, force: true });
  });

  const start = async () => {
    const env = { ...process.env, PORT: "18446", REALTIME_DATA: data };
    const child = spawn(node ?? "", ["examples/chat.mjs"], { cwd: root, env });
    chat = child;
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        output += text;
      });
    }
    await eventually(() => output.includes(URL_OF_CHAT), "the chat listens");
    return { child, output: () => output };
  };

  it(`loses no message that was sent, and tells none of ${PAGES} pages to load the room again`, async () => {
    const before = await start();
    const said: string[] = [];
    const say = async (text: string) => {
      const answer = await postJSON(URL_OF_CHAT, "/rooms/lobby", { who: "anna", text }).catch(
        () => undefined,
      );
      if (answer?.status === 200) said.push(text);
      return answer?.status === 200;
    };
    for (let n = 0; n < 30; n++) expect(await say(`early ${n}`)).toBe(true);
    const pages = Array.from({ length: PAGES }, openPage);
    await eventually(() => pages.every(({ shown }) => shown.length === 20), "all pages are open");

    const exited = new Promise((resolve) => before.child.once("exit", resolve));
    before.child.kill("SIGTERM");
    for (let n = 0; await say(`during ${n}`); n++);
    expect(await within(exited, 20_000, "the chat ends")).toBe(0);
    expect(before.output()).not.toContain("onDisconnect failed");
    await start();
    for (let n = 0; n < 10; n++) expect(await say(`late ${n}`)).toBe(true);
    // The service asked the pages to reconnect within five seconds.
    const isCurrent = ({ shown }: ChatPage) => shown.at(-1) === "late 9";
    await eventually(() => pages.every(isCurrent), "all pages show the last message");
    for (const { shown, recovered } of pages) {
      expect(shown).toEqual(said.slice(10));
      expect(recovered).toEqual([true]);
    }
  });
});
