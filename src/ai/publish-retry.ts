/** Time after which a message that can't be published fails the answer, in milliseconds. */
const GIVE_UP_AFTER = 30_000;
const FIRST_DELAY = 100;
const MAX_DELAY = 2_000;

/** What errors of a service and of a client have in common. */
interface PublishError {
  /** Of a service in this process. */
  readonly code?: string;
  /** Of a client: the status of the HTTP response. 0: there was none. */
  readonly status?: number;
}

/**
 * Publishes a message, and publishes it again while the service can't accept it. The message must have an id of its own, because
 * the service may have accepted it.
 *
 * @throws The error of the last attempt.
 */
export async function publishWithRetry(publish: () => Promise<unknown>): Promise<void> {
  const end = Date.now() + GIVE_UP_AFTER;
  for (let delay = FIRST_DELAY; ; delay = Math.min(delay * 2, MAX_DELAY)) {
    try {
      await publish();
      return;
    } catch (error) {
      if (!isTemporary(error) || Date.now() + delay > end) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, delay));
  }
}

function isTemporary(error: unknown): boolean {
  const { code = "", status = -1 } = Object(error) as PublishError;
  const isOfService = ["unreachable", "storage_failed", "too_many_requests"].includes(code);
  return isOfService || [0, 429, 502, 503, 504].includes(status);
}

/** Whether the service refused a message because of its size. */
export function isTooLarge(error: unknown): boolean {
  const { code, status } = Object(error) as PublishError;
  return code === "too_large" || status === 413;
}

/** Whether an earlier message has the same id and other content. */
export function isIdReused(error: unknown): boolean {
  const { code, status } = Object(error) as PublishError;
  return code === "id_reused" || status === 409;
}
