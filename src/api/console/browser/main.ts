import type { PARTS } from "./parts.ts";
import type { Stream } from "./stream.ts";

/** Connects the parts of the console. The page calls it with `PARTS`. */
export function runConsole(parts: typeof PARTS): void {
  const dom = parts.createDom();
  const api = parts.createAPI(dom);
  const examples = parts.createExamples(dom, api);
  const traffic = parts.createTraffic(dom, api);
  const events = parts.createEventList(dom, traffic.countEvent);
  let stream: Stream | undefined;
  const subscriptions = parts.createSubscriptions(dom, (added) => stream?.update(added));
  stream = parts.createStream(dom, api, examples, events, subscriptions);
  parts.bindPublishing(dom, api, examples, events);
  parts.bindClients(dom, api, examples);
  parts.bindTopics(dom, api, examples);
  parts.bindCallbacks(dom, api, examples);
  dom.find<HTMLAnchorElement>("#docs").href = `${api.base}/api/docs`;
  examples.show({ path: "?topic=chat", sdk: examples.subscribe("chat"), isStream: true });
}
