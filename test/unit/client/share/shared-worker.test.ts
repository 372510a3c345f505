import { expect, it } from "vitest";
import { hostLock, type Posted } from "../../../../src/client/share/messages.ts";
import { eventually } from "../../../support/deadline.ts";
import { FakeEventSource } from "../../../support/fake-event-source.ts";
import { FakeChannel, installTabs } from "../../../support/fake-tabs.ts";

const SETTINGS = { channel: "test", api: "http://x/api/realtime", withCredentials: false };

it("a SharedWorker that has lost the lock to a tab is no longer a host, and waits for the lock", async () => {
  const restore = installTabs();
  const globals = { self: { name: JSON.stringify(SETTINGS) }, EventSource: FakeEventSource };
  const before = Object.keys(globals).map(
    (name) => [name, Object.getOwnPropertyDescriptor(globalThis, name)] as const,
  );
  for (const [name, value] of Object.entries(globals)) {
    Object.defineProperty(globalThis, name, { value, configurable: true });
  }
  const posted: string[] = [];
  const tab = new FakeChannel(SETTINGS.channel);
  tab.onmessage = ({ data }) => {
    const message = data as Posted;
    if ("toTabs" in message) posted.push(message.toTabs.kind);
  };
  const probe = () => tab.postMessage({ toHost: { kind: "probe" } } satisfies Posted);
  try {
    await import("../../../../src/client/share/shared-worker.ts");
    await eventually(() => posted.includes("host"), "the worker is the host");
    let release = () => {};
    const isStolen = new Promise<void>((resolve) => {
      void navigator.locks.request(hostLock(SETTINGS.channel), { steal: true }, () => {
        resolve();
        return new Promise<void>((resolve) => {
          release = resolve;
        });
      });
    });
    await isStolen;
    await new Promise((resolve) => setTimeout(resolve));
    posted.length = 0;
    probe();
    await new Promise((resolve) => setTimeout(resolve));
    expect(posted).toEqual([]);
    release();
    await eventually(() => posted.includes("host"), "the worker is the host again");
  } finally {
    restore();
    for (const [name, descriptor] of before) {
      if (descriptor === undefined) Reflect.deleteProperty(globalThis, name);
      else Object.defineProperty(globalThis, name, descriptor);
    }
  }
});
