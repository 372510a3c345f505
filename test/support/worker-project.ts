/** A user's project that mounts the service in a Worker. */

/** The configuration of a Worker that mounts the service. */
export const WRANGLER_CONFIG = `name = "mine"
main = "worker.ts"
compatibility_date = "2026-04-26"
compatibility_flags = ["enable_request_signal"]
durable_objects.bindings = [{ name = "REALTIME_HUB", class_name = "RealtimeHub" }]
migrations = [{ tag = "v1", new_sqlite_classes = ["RealtimeHub"] }]
vars = { REALTIME_ADMIN_KEY = "the-key-of-this-app", REALTIME_CONSOLE = "true" }

[assets]
directory = "./node_modules/pocketwire/dist/assets"
binding = "ASSETS"
run_worker_first = true
`;

/** A code block of the documentation, by the name in the comment before it. */
export function codeBlock(pages: string, name: string): string {
  const found = new RegExp(`<!-- ci: ${name} -->\n\`\`\`\\w+\n([\\s\\S]*?)\`\`\``).exec(pages)?.[1];
  if (found === undefined) throw new Error(`The documentation has no block "${name}".`);
  return found;
}
