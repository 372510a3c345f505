/** The script of the SharedWorker that holds the stream of all tabs. */
import { Host } from "./host.ts";
import { type HostSettings, hostLock } from "./messages.ts";

const settings: HostSettings = JSON.parse(self.name);

/** Is the host as long as it has the lock. */
async function run(): Promise<void> {
  let host: Host | undefined;
  try {
    await navigator.locks.request(hostLock(settings.channel), () => {
      host = new Host(settings, { EventSource, fetch: (url, init) => fetch(url, init) });
      // The host ends with the worker, and the worker with the last tab.
      return new Promise(() => {});
    });
  } catch (error) {
    // Otherwise a tab has stolen the lock, because the worker did not answer. Two hosts would send everything twice.
    if ((error as Error).name !== "AbortError") throw error;
  }
  host?.close();
  await run();
}

void run();
