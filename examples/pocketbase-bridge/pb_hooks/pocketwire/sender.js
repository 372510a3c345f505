/** Sends the queue to Pocketwire, the oldest message first. */
const queue = require(`${__hooks}/pocketwire/queue.js`);
const request = require(`${__hooks}/pocketwire/request.js`);
const settings = require(`${__hooks}/pocketwire/settings.js`);
const state = require(`${__hooks}/pocketwire/state.js`);

/**
 * The most characters of a request with several messages. A character has up to three bytes in UTF-8, and Pocketwire takes
 * 1,048,576 bytes (REALTIME_MAX_BODY_BYTES).
 */
const BATCH_CHARACTERS = 300000;
/** The most requests that one write in PocketBase waits for. */
const REQUESTS_AFTER_COMMIT = 4;
/** PocketBase starts cron jobs each full minute, so the next job takes over from this one. */
const RETRY_MILLISECONDS = 58000;
const RETRY_INTERVAL = 500;

/** Writes to PocketBase's log, and to the terminal, where PocketBase prints its log only with --dev. */
function report(app, text) {
  app.logger().warn(`Pocketwire ${text}`);
  console.error(`Pocketwire ${text}`);
}

/** The beginning of the queue that goes into one request: at least one message. */
function nextBatch(app, most) {
  const rows = queue.oldest(app, most);
  const batch = [];
  let characters = 0;
  for (let i = 0; i < rows.length; i++) {
    const { seq, message } = rows[i];
    characters += message.length;
    if (batch.length > 0 && characters > BATCH_CHARACTERS) break;
    batch.push({ seq, message });
  }
  return batch;
}

function setAside(app, { seq, message }, answer) {
  const reason = `${answer.status} ${answer.reason}`;
  queue.setAside(app, seq, reason);
  const { collection, action, record } = JSON.parse(message);
  report(
    app,
    `refuses the ${action} of ${collection.name}/${record.id} (${reason}). ` +
      `The message stays in the table _pocketwire_queue with seq ${seq}, and is not sent again.`,
  );
}

/** Reports why nothing can be sent, once for each cause. */
function reportFailure(app, answer, advice) {
  if (!state.isNews(app.store(), `${answer.status}`)) return;
  const status = answer.status === 0 ? "does not answer" : `answers ${answer.status}`;
  report(app, `${status}. ${answer.reason} ${advice} Changes wait in the queue.`);
}

/** Sends one batch. @returns whether the next batch may follow at once. */
function sendBatch(app, target, batch) {
  const store = app.store();
  const answer = request.publish(
    target,
    batch.map(({ message }) => message),
  );
  switch (request.meaningOf(answer)) {
    case "sent":
      queue.remove(app, batch[0].seq, batch[batch.length - 1].seq);
      state.setBatchSize(store, state.batchSize(store) * 2);
      state.endPause(store);
      if (state.isNews(store, "sent")) report(app, "accepts messages.");
      return true;
    case "refused":
      state.endPause(store);
      // Smaller and smaller batches find the message. Those before it are sent on the way.
      if (batch.length > 1) state.setBatchSize(store, Math.floor(batch.length / 2));
      else setAside(app, batch[0], answer);
      return true;
    case "unavailable":
      reportFailure(app, answer, "");
      break;
    default:
      reportFailure(app, answer, request.adviceOn(answer.status));
  }
  state.pause(store, answer.retryAfter);
  return false;
}

/** Sends at most `requests` batches, while `owner` has the right to send. @returns how many requests are left. */
function sendBatches(app, target, requests, owner) {
  const store = app.store();
  let left = requests;
  while (left > 0 && state.takeLease(store, owner)) {
    // Before the queue is read, so that a change that is stored from now on sets it again.
    state.setWaiting(store, false);
    const batch = nextBatch(app, state.batchSize(store));
    if (batch.length === 0) return left;
    state.setWaiting(store, true);
    left -= 1;
    if (!sendBatch(app, target, batch)) return left;
  }
  return left;
}

/** Sends until the queue is empty, `requests` are used up, or a pause begins. */
function send(app, target, requests) {
  const store = app.store();
  const owner = $security.randomString(10);
  let left = requests;
  // A change that was stored while this handler had the right to send could not be sent by its own handler.
  while (left > 0 && state.isWaiting(store) && state.isDue(store)) {
    if (!state.takeLease(store, owner)) return;
    try {
      left = sendBatches(app, target, left, owner);
    } catch (error) {
      state.setWaiting(store, true);
      state.pause(store, 0);
      throw error;
    } finally {
      state.endLease(store, owner);
    }
  }
}

/** Sends what waits. An error here must not fail the write, which is committed. */
function sendSafely(app, requests) {
  const target = settings.read();
  if (target === null || app.store().get("pocketwire.isStopping") === true) return;
  try {
    send(app, target, requests);
  } catch (error) {
    report(app, `gets nothing, because the queue can't be read or written: ${error}`);
  }
}

/** Called when PocketBase starts. */
function start(app) {
  app.store().set("pocketwire.isStopping", false);
  state.setWaiting(app.store(), true);
  if (settings.read() === null) {
    report(app, "receives nothing. Set POCKETWIRE_URL and REALTIME_ADMIN_KEY.");
  } else {
    queue.create(app);
  }
}

/** Called when PocketBase stops. */
function stop(app) {
  app.store().set("pocketwire.isStopping", true);
}

/** Called after each committed change. */
function sendAfterCommit(app) {
  state.setWaiting(app.store(), true);
  sendSafely(app, REQUESTS_AFTER_COMMIT);
}

/** Called each minute: keeps sending what waits, and bounds the queue. */
function retryForOneMinute(app) {
  const target = settings.read();
  if (target === null) return;
  const removed = queue.trim(app, target.maxQueue);
  if (removed > 0) {
    report(app, `misses ${removed} changes, because POCKETWIRE_MAX_QUEUE was reached.`);
  }
  const end = Date.now() + RETRY_MILLISECONDS;
  while (Date.now() < end && app.store().get("pocketwire.isStopping") !== true) {
    if (state.isWaiting(app.store())) sendSafely(app, 1000);
    sleep(RETRY_INTERVAL);
  }
}

module.exports = { start, stop, sendAfterCommit, retryForOneMinute };
