/** One request to Pocketwire. */

/** How long an answer may take. The write in PocketBase that sends the request waits for this time at most. */
const TIMEOUT_SECONDS = 5;

/**
 * Publishes messages.
 *
 * @param messages The messages as JSON texts.
 * @returns `status`, which is 0 if no answer came; `reason`, the message of an error; `retryAfter` in milliseconds, 0 if
 *   unknown; `isAccepted`, whether the answer lists as many ids as there are messages; and `isRefusal`, whether the answer is
 *   an error of this request in Pocketwire's shape. Another server at the address answers otherwise.
 */
function publish(target, messages) {
  let answer;
  try {
    answer = $http.send({
      method: "POST",
      url: `${target.url}/api/realtime/messages`,
      headers: { "content-type": "application/json", authorization: `Bearer ${target.key}` },
      body: `[${messages.join(",")}]`,
      timeout: TIMEOUT_SECONDS,
    });
  } catch (error) {
    return { status: 0, reason: String(error), retryAfter: 0, isAccepted: false, isRefusal: false };
  }
  const body = answer.json || {};
  const isOurs = body.status === answer.statusCode;
  const faults = body.data || {};
  const header = answer.headers["Retry-After"];
  const seconds = header && header.length > 0 ? Number(header[0]) : 0;
  return {
    status: answer.statusCode,
    reason: isOurs ? String(body.message) : "",
    retryAfter: seconds > 0 ? seconds * 1000 : 0,
    isAccepted: answer.statusCode === 200 && body.length === messages.length,
    // After a redirect Go sends a GET, which reads the history, and the history asks for a topic.
    isRefusal: isOurs && !faults.topic,
  };
}

/**
 * What an answer means:
 *
 * - `sent`: Pocketwire has all messages.
 * - `refused`: one of the messages breaks a rule or is too large, and would be refused again.
 * - `misconfigured`: the key or the address is wrong.
 * - `unavailable`: Pocketwire can't take messages right now.
 */
function meaningOf({ status, isAccepted, isRefusal }) {
  if (isAccepted) return "sent";
  // A proxy also answers 413, in a shape of its own.
  if (status === 413 || (isRefusal && (status === 400 || status === 409))) return "refused";
  if (status === 408 || status === 429 || status >= 500 || status === 0) return "unavailable";
  return "misconfigured";
}

/** What an operator does about an answer. */
function adviceOn(status) {
  if (status === 401) return "Set REALTIME_ADMIN_KEY to the key that Pocketwire has.";
  if (status === 403) return "Set REALTIME_ADMIN_KEY in Pocketwire, and to the same key here.";
  return "Set POCKETWIRE_URL to the address of Pocketwire that needs no redirect.";
}

module.exports = { publish, meaningOf, adviceOn };
