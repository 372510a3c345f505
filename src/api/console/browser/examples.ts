import type { API } from "./api.ts";
import type { Dom } from "./dom.ts";

/** Shows how to repeat the last step with curl and with the SDK. */
export type Examples = ReturnType<typeof createExamples>;

/** One step. */
export interface Example {
  /** What follows the URL of the realtime API. */
  readonly path: string;
  /** Body of a POST. */
  readonly body?: unknown;
  /** What follows the line that creates the SDK's client. Undefined for what the SDK can't do. */
  readonly sdk?: string;
  readonly needsKey?: boolean;
  readonly isStream?: boolean;
}

export function createExamples({ find }: Dom, { base, url }: API) {
  const client = `const pb = new PocketBase(${JSON.stringify(location.origin + base)});\n`;
  const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

  /** Shows an example. The curl command has `$REALTIME_ADMIN_KEY` in place of the key that the user entered. */
  const show = ({ path, body, sdk, needsKey = false, isStream = false }: Example): void => {
    const parts = [`curl${isStream ? " -N" : ""} ${quote(url + path)}`];
    if (needsKey) parts.push('-H "Authorization: Bearer $REALTIME_ADMIN_KEY"');
    if (body !== undefined) {
      parts.push("-H 'Content-Type: application/json'", `-d ${quote(JSON.stringify(body))}`);
    }
    find("#curl").textContent = parts.join(" \\\n  ");
    find("#sdk").textContent =
      sdk === undefined ? "// The SDK has no administration." : client + sdk;
  };

  /** SDK code that subscribes to a topic. */
  const subscribe = (topic: unknown, options = ""): string =>
    `await pb.realtime.subscribe(${JSON.stringify(topic)}, console.log${options});`;

  return { show, subscribe };
}
