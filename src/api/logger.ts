import type { LogFields, Logger } from "../realtime/types.ts";

/** From the chattiest to none at all. */
export const LOG_LEVELS = ["debug", "info", "warn", "error", "silent"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Where a logger writes its lines to. */
export interface LogOutput {
  /** Writes a line, without its line break, or drops it. Must not wait for a slow reader. */
  write(line: string): void;
  /** Lines that were dropped so far. */
  readonly dropped: number;
  /** Whether the last line that is known of was written. */
  readonly isWorking: boolean;
}

export interface LoggerOptions {
  /** Lines below it are not written. Default `info`. */
  readonly level?: LogLevel | undefined;
  /** `json`: one object a line; `text`: for people on a terminal. Default `json`. */
  readonly format?: "json" | "text" | undefined;
  /** Gets each line, without a line break. Default `console.log`, which every runtime has. */
  readonly write?: ((line: string) => void) | undefined;
  /** Instead of `write`: an output that counts what it drops. The logger says how many once the output works again. */
  readonly output?: LogOutput | undefined;
}

/**
 * Structured log lines. Both formats write values as JSON, so what a client sends (its topics, its
 * headers) can't start a line of its own.
 */
export function createLogger(options: LoggerOptions = {}): Logger {
  const threshold = LOG_LEVELS.indexOf(options.level ?? "info");
  const format = options.format === "text" ? textLine : jsonLine;
  const { write = (line: string) => console.log(line) } = options;
  const output = options.output ?? { write, dropped: 0, isWorking: true };
  let told = 0;
  const tellDropped = () => {
    const count = output.dropped - told;
    if (count === 0 || !output.isWorking) return;
    told += count;
    output.write(format("warn", "log lines were dropped", { count }));
  };
  const at =
    (level: LogLevel) =>
    (msg: string, fields: LogFields = {}): void => {
      if (LOG_LEVELS.indexOf(level) < threshold) return;
      tellDropped();
      output.write(format(level, msg, fields));
    };
  return {
    ...{ debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") },
    get dropped() {
      return output.dropped;
    },
  };
}

function jsonLine(level: LogLevel, msg: string, fields: LogFields): string {
  const own = { time: new Date().toISOString(), level, msg };
  // First in place, last in value: a field can't pass for the line's own.
  return JSON.stringify(Object.assign({ ...own }, fields, own));
}

function textLine(level: LogLevel, msg: string, fields: LogFields): string {
  const details = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  const time = new Date().toISOString().slice(11, 23);
  const oneLine = msg.replaceAll(/[\r\n]+/g, " ");
  return [time, level.toUpperCase().padEnd(5), oneLine, ...details].join(" ");
}
