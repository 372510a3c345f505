import type { PARTS } from "./parts.ts";
import type { Stream } from "./stream.ts";

/** Connects the parts of the console. The page calls it with `PARTS`. */
export function runConsole(parts: typeof PARTS): void {
  const dom = parts.createDom();
  const store = parts.createStore();
  const api = parts.createAPI();
  const key = parts.createKey(dom, api, store);
  const examples = parts.createExamples(dom, api, key);
  const steps = parts.createSteps(dom, store);
  const pages = parts.createPages(dom, key);
  const traffic = parts.createTraffic(dom, api, key, parts.createChart);
  const events = parts.createEventList(dom, traffic.countEvent);
  let stream: Stream | undefined;
  const subscriptions = parts.createSubscriptions(dom, store, (isAdded) => stream?.update(isAdded));
  const topic = parts.bindTopic(dom, api, key, examples);
  const shared = { dom, api, key, store, pages, examples };
  stream = parts.createStream({
    ...shared,
    events,
    subscriptions,
    parse: parts.createStreamParser,
    read: parts.createEventReader(subscriptions.split),
    connectionTo: parts.createConnection,
    onResume: () => steps.done("resume"),
    onSubscribe: () => steps.done("subscribe"),
  });
  parts.bindPublishing(dom, api, examples, () => steps.done("publish"));
  parts.bindTopics({ ...shared, topic });
  parts.bindClients(shared);
  parts.bindCallbacks(shared);
  parts.bindTokenMaker(dom, key);
  dom.find<HTMLAnchorElement>("#docs").href = `${api.base}/api/docs`;
  const wasConnected = store.read("connected") === true;
  key.restore();
  subscriptions.restore();
  examples.show({ path: "?topic=chat", sdk: examples.subscribe("chat"), isStream: true });
  if (wasConnected) stream.open();
  pages.show();
}
