import type { LogFields, Logger } from "../realtime/types.ts";

/** Levels of log lines, from all lines to none. */
export const LOG_LEVELS = ["debug", "info", "warn", "error", "silent"] as const;
/** A level of log lines. `silent` writes none. */
export type LogLevel = (typeof LOG_LEVELS)[number];

/** An output for log lines that may drop lines. */
export interface LogOutput {
  /** Writes or drops a line, which has no line break at its end. Must not block on a slow reader. */
  write(line: string): void;
  /** Lines dropped so far. */
  readonly dropped: number;
  /** Whether the output works: the last line with a known result was written. */
  readonly isWorking: boolean;
}

/** The options of `createLogger`. */
export interface LoggerOptions {
  /** Lines below this level are not written. Default `info`. */
  readonly level?: LogLevel | undefined;
  /** `json` writes one JSON object a line, `text` a line for a terminal. Default `json`. */
  readonly format?: "json" | "text" | undefined;
  /** Writes a line, which has no line break at its end. Default `console.log`, which every runtime has. */
  readonly write?: ((line: string) => void) | undefined;
  /**
   * An output that counts the lines it drops, in place of `write`. When the output works again, the logger writes the number
   * of dropped lines before the next line.
   */
  readonly output?: LogOutput | undefined;
}

/**
 * Makes a logger of structured lines. Both formats write values as JSON, so text from a client (a topic, a header) can't begin
 * a log line.
 *
 * @example
 * ```ts
 * const logger = createLogger({ level: "warn", format: "text", write: console.error });
 * createServer({ logger });
 * ```
 */
export function createLogger(options: LoggerOptions = {}): Logger {
  const { level, write = (line: string) => console.log(line) } = options;
  const format = options.format === "text" ? textLine : jsonLine;
  const output = options.output ?? { write, dropped: 0, isWorking: true };
  let reported = 0;
  const reportDropped = () => {
    const count = output.dropped - reported;
    if (count === 0 || !output.isWorking) return;
    reported += count;
    output.write(format("warn", "log lines were dropped", { count }));
  };
  const logger = createLevels(level, (...line) => {
    reportDropped();
    output.write(format(...line));
  });
  return {
    ...logger,
    get dropped() {
      return output.dropped;
    },
  };
}

/** A smaller `createLogger` for Workers: its format is `json`, and it has no `output`. */
export function createJSONLogger({
  level,
  write = (line: string) => console.log(line),
}: Pick<LoggerOptions, "level" | "write">): Logger {
  return createLevels(level, (...line) => write(jsonLine(...line)));
}

/** @param write Called with each line of the level or above. */
function createLevels(
  minimum: LogLevel = "info",
  write: (level: LogLevel, msg: string, fields: LogFields) => void,
): Logger {
  const threshold = LOG_LEVELS.indexOf(minimum);
  const at =
    (level: LogLevel) =>
    (msg: string, fields: LogFields = {}): void => {
      if (LOG_LEVELS.indexOf(level) >= threshold) write(level, msg, fields);
    };
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

function jsonLine(level: LogLevel, msg: string, fields: LogFields): string {
  const own = { time: new Date().toISOString(), level, msg };
  // Assigned twice: `own` stands first in the line, and no field of the same name can replace its values.
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
