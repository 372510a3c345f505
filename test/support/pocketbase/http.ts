/** `$http.send` waits for the answer, which a program on Bun can only do by starting another process. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

interface Sent {
  readonly method: string;
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly body: string;
  /** In seconds. */
  readonly timeout: number;
}

export interface Received {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, readonly string[]>>;
  readonly json: unknown;
}

/** @throws if no answer comes. */
export function send(request: Sent): Received {
  const { status, stdout, stderr } = spawnSync(process.execPath, [fileURLToPath(import.meta.url)], {
    input: JSON.stringify(request),
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(stderr.trim().split("\n").at(-1));
  return JSON.parse(stdout);
}

/** A header's name as Go writes it: `Retry-After`. */
function canonical(name: string): string {
  return name.replaceAll(/(^|-)\w/g, (letter) => letter.toUpperCase());
}

async function request({ method, url, headers, body, timeout }: Sent): Promise<Received> {
  const signal = AbortSignal.timeout(timeout * 1000);
  const answer = await fetch(url, { method, headers, body, signal });
  const text = await answer.text();
  const isJSON = /^\s*[[{]/.test(text);
  return {
    statusCode: answer.status,
    headers: Object.fromEntries(
      [...answer.headers].map(([name, value]) => [canonical(name), [value]]),
    ),
    json: isJSON ? JSON.parse(text) : null,
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  let input = "";
  for await (const chunk of process.stdin) input += chunk;
  console.log(JSON.stringify(await request(JSON.parse(input))));
}
