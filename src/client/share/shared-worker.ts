/** The script of the SharedWorker that holds the stream of all tabs. */
import { Host } from "./host.ts";
import { type HostSettings, hostLock } from "./messages.ts";

const settings: HostSettings = JSON.parse(self.name);
void navigator.locks.request(hostLock(settings.channel), () => {
  new Host(settings, { EventSource, fetch: (url, init) => fetch(url, init) });
  // The host ends with the worker, and the worker with the last tab.
  return new Promise(() => {});
});
