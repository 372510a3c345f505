// Pocketwire that reports to a real SDK. SAMPLED is the share of traces that are recorded; the spans are dropped, not sent.
import {
  BatchSpanProcessor,
  InMemorySpanExporter,
  NodeTracerProvider,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
} from "@opentelemetry/sdk-trace-node";
import { startServer } from "../../dist/node.js";
import { POCKETWIRE } from "./settings.mjs";

const exporter = new InMemorySpanExporter();
const sampler = new ParentBasedSampler({
  root: new TraceIdRatioBasedSampler(Number(process.env.SAMPLED ?? 1)),
});
new NodeTracerProvider({ sampler, spanProcessors: [new BatchSpanProcessor(exporter)] }).register();
setInterval(() => exporter.reset(), 1000).unref();
const { app } = await startServer({ ...POCKETWIRE, openTelemetry: true });
app.post("/gc", (c) => {
  globalThis.gc?.();
  return c.body(null, 204);
});
