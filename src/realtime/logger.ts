/** Details of a log line. Must contain neither message data nor credentials. */
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

/** Writes log lines. Has one method for each level. */
export interface Logger {
  debug(msg: string, fields?: LogFields): void;
  info(msg: string, fields?: LogFields): void;
  warn(msg: string, fields?: LogFields): void;
  error(msg: string, fields?: LogFields): void;
  /** Number of lines that could not be written, for the statistics of the service. Default 0. */
  readonly dropped?: number | undefined;
}
