/**
 * The functions that run in the browser. The page contains their source (`Function.prototype.toString`), so that a process
 * needs neither a build step nor a file to serve.
 *
 * A part must be self-contained: the page has no imports, and a bundler renames what is declared outside a function. A part
 * receives other parts as arguments, and imports only types. A part therefore contains its helpers, and may be longer than 50
 * lines.
 */
import { createAPI } from "./api.ts";
import { bindCallbacks } from "./callbacks.ts";
import { createChart } from "./chart.ts";
import { bindClients } from "./clients.ts";
import { createConnection } from "./connection.ts";
import { createDom } from "./dom.ts";
import { createEventReader } from "./event-reader.ts";
import { createEventList } from "./events.ts";
import { createExamples } from "./examples.ts";
import { createKey } from "./key.ts";
import { createPages } from "./pages.ts";
import { bindPublishing } from "./publishing.ts";
import { createStreamParser } from "./sse.ts";
import { createSteps } from "./steps.ts";
import { createStore } from "./store.ts";
import { createStream } from "./stream.ts";
import { createSubscriptions } from "./subscriptions.ts";
import { bindTokenMaker } from "./token-maker.ts";
import { bindTopic } from "./topic.ts";
import { bindTopics } from "./topics.ts";
import { createTraffic } from "./traffic.ts";

/** The parts. `runConsole` calls each part by its name here. */
export const PARTS = {
  bindCallbacks,
  bindClients,
  bindPublishing,
  bindTokenMaker,
  bindTopic,
  bindTopics,
  createAPI,
  createChart,
  createConnection,
  createDom,
  createEventList,
  createEventReader,
  createExamples,
  createKey,
  createPages,
  createSteps,
  createStore,
  createStream,
  createStreamParser,
  createSubscriptions,
  createTraffic,
};
