import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join, normalize } from "node:path";
import { fileURLToPath } from "node:url";

const dist = fileURLToPath(new URL("../../dist", import.meta.url));

/** The page. Its global `connect` is the function of `pocketwire/client`. */
const PAGE = `<!doctype html><title>A page</title><link rel="icon" href="data:,">
<script type="module">globalThis.connect = (await import("/dist/client.js")).connect;</script>`;

/** A site with a page at `/` and the built package at `/dist/`. */
export interface PageServer {
  readonly url: string;
  close(): Promise<void>;
}

export async function startPageServer(): Promise<PageServer> {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://x");
    if (pathname === "/") {
      response.setHeader("Content-Type", "text/html");
      response.end(PAGE);
      return;
    }
    readFile(join(dist, normalize(pathname).replace(/^\/dist/, "")))
      .then((content) => {
        response.setHeader("Content-Type", "text/javascript");
        response.end(content);
      })
      .catch(() => response.writeHead(404).end());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}
