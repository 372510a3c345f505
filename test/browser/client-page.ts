import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { build } from "esbuild";

/** A page of ten lines with `pocketwire/client`, and its backend. Both have another origin than the service. */
export interface ClientPage {
  readonly url: string;
  /** Number of tokens that the page has fetched. */
  readonly tokens: () => number;
  close(): Promise<void>;
}

/** What the page has noted. */
export interface PageNotes {
  /** The numbers in the messages. */
  readonly heard: number[];
  /** Statuses, "gap", and messages of errors. */
  readonly told: string[];
}

const html = (service: string) => `<!doctype html>
<title>Ten lines</title>
<script type="module">
  import { connect } from "/client.js";
  globalThis.notes = { heard: [], told: [] };
  const token = async () => (await fetch("/token")).text();
  const realtime = connect("${service}", { token });
  realtime.subscribe("chat/*", ({ data }) => notes.heard.push(data.n), { last: 5 });
  realtime.on("status", (status) => notes.told.push(status));
  realtime.on("gap", () => notes.told.push("gap"));
  realtime.on("error", ({ message }) => notes.told.push(message));
</script>
`;

/** @param createToken Returns a token of the page's user. */
export async function startClientPage(
  service: string,
  createToken: () => Promise<string>,
): Promise<ClientPage> {
  const bundle = await build({
    entryPoints: ["src/client.ts"],
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    external: ["./share/share.ts"],
    write: false,
  });
  const [script] = bundle.outputFiles;
  let tokens = 0;
  const server: Server = createServer(async ({ url }, response) => {
    if (url === "/client.js") {
      response.setHeader("Content-Type", "text/javascript");
      response.end(script?.text);
    } else if (url === "/token") {
      tokens += 1;
      response.end(await createToken());
    } else if (url === "/") {
      response.setHeader("Content-Type", "text/html");
      response.end(html(service));
    } else {
      response.statusCode = 404;
      response.end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    tokens: () => tokens,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
