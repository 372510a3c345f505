import { totalmem } from "node:os";
import { histogramSamples, type Metric } from "../../api/metrics-text.ts";
import type { Bytes } from "../../realtime/units.ts";
import { EventLoopDelay } from "./event-loop-delay.ts";
import { readOpenFiles } from "./open-files.ts";

let eventLoop: EventLoopDelay | undefined;

/**
 * Reads the metrics of this process that Node and Bun have. A metric that `prom-client` has too has the same name. The first call
 * starts the measurement of the event loop, so a process that never gets a request for the metrics has no timer for it.
 */
export function readProcessMetrics(): readonly Metric[] {
  eventLoop ??= EventLoopDelay.start();
  const { user, system } = process.cpuUsage();
  const { rss, heapUsed, heapTotal, external } = process.memoryUsage();
  return [
    single("process_cpu_seconds_total", "CPU time of the process.", (user + system) / 1e6),
    single(
      "process_start_time_seconds",
      "Start of the process, in seconds since 1970.",
      // Not the time now minus the uptime: that varies by milliseconds, and Prometheus would see restarts.
      performance.timeOrigin / 1000,
    ),
    single("process_resident_memory_bytes", "Memory of the process.", rss),
    single(
      "pocketwire_memory_limit_bytes",
      "Memory that the process may use: the limit of its container, or the memory of the machine.",
      memoryLimit(),
    ),
    single("nodejs_heap_size_used_bytes", "Bytes of JavaScript objects.", heapUsed),
    single("nodejs_heap_size_total_bytes", "Size of the JavaScript heap.", heapTotal),
    single("nodejs_external_memory_bytes", "Memory of buffers outside the heap.", external),
    ...fileMetrics(),
    {
      name: "pocketwire_event_loop_delay_seconds",
      help: "Time that an event waits until the event loop is free.",
      type: "histogram",
      samples: histogramSamples(eventLoop.stats),
    },
  ];
}

function fileMetrics(): Metric[] {
  const files = readOpenFiles();
  if (files === undefined) return [];
  return [
    single("process_open_fds", "Open files. Each connection is one.", files.count()),
    single("process_max_fds", "The limit of open files.", files.limit),
  ];
}

/** Without a limit, `constrainedMemory` returns 0, undefined or a number above the memory of the machine. */
function memoryLimit(): Bytes {
  return Math.min(process.constrainedMemory() || Number.POSITIVE_INFINITY, totalmem());
}

function single(name: string, help: string, value: number): Metric {
  return { name, help, samples: [["", value]] };
}
