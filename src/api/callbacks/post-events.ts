import type { Logger } from "../../realtime/types.ts";
import type { EventRequest } from "../../registry/tells.ts";
import { redactURL } from "../auth/redact-url.ts";
import type { CallbackOptions } from "./options.ts";
import { describeFailure, postCallback } from "./post.ts";

/** What `postEvents` needs besides the options. */
export interface PostSettings {
  /** Ends the request. */
  readonly signal: AbortSignal;
  readonly logger: Logger;
  /** Number of events that wait, for the log. */
  readonly waiting: number;
}

/**
 * Tells a backend of events. Logs a failure.
 *
 * @returns Whether the backend has the events.
 */
export async function postEvents(
  options: CallbackOptions,
  { id, body }: EventRequest,
  { signal, logger, waiting }: PostSettings,
): Promise<boolean> {
  const { url } = options;
  try {
    const response = await postCallback(options, id, body, signal);
    await response.body?.cancel();
    if (response.ok) return true;
    throw new Error(`${redactURL(url)} answered ${response.status}`);
  } catch (error) {
    const fields = { error: describeFailure(error, url), waiting };
    logger.warn("events for the backend can't be delivered", fields);
    return false;
  }
}

/** The logger writes one such line a minute, with the number of dropped events. */
export function logDroppedEvent(logger: Logger): void {
  logger.error("events for the backend are dropped");
}
