/**
 * What the handlers share, in `$app.store()`: they run at the same time, each in a context of its own. The store is in memory
 * and ends with the process.
 */

/** Longer than the five seconds that a request may take. */
const LEASE_MILLISECONDS = 30000;
/** Pocketwire takes 1,000 messages in a request (REALTIME_MAX_BATCH). */
const BATCH_MESSAGES = 100;
const FIRST_PAUSE = 1000;
const LONGEST_PAUSE = 30000;
const LONGEST_RETRY_AFTER = 60000;

/**
 * Takes the right to send, so that one handler sends at a time and the order is kept. The right ends by itself if the handler
 * dies.
 */
function takeLease(store, owner) {
  const now = Date.now();
  store.setFunc("pocketwire.lease", (old) =>
    old && old.owner !== owner && old.until > now
      ? old
      : { owner, until: now + LEASE_MILLISECONDS },
  );
  return store.get("pocketwire.lease").owner === owner;
}

function endLease(store, owner) {
  store.setFunc("pocketwire.lease", (old) => (old && old.owner === owner ? null : old));
}

/** Whether the queue may have messages to send. */
function isWaiting(store) {
  return store.get("pocketwire.waiting") === true;
}

function setWaiting(store, value) {
  store.set("pocketwire.waiting", value);
}

/** Whether no pause is in progress. */
function isDue(store) {
  return Date.now() >= (store.get("pocketwire.pausedUntil") || 0);
}

/** Pauses for a second, and twice as long after each further failure. @param atLeast In milliseconds. */
function pause(store, atLeast) {
  const last = store.get("pocketwire.pause") || 0;
  const wait = last === 0 ? FIRST_PAUSE : Math.min(last * 2, LONGEST_PAUSE);
  store.set("pocketwire.pause", wait);
  const wanted = Math.min(atLeast, LONGEST_RETRY_AFTER);
  store.set("pocketwire.pausedUntil", Date.now() + Math.max(wait, wanted));
}

function endPause(store) {
  store.set("pocketwire.pause", 0);
  store.set("pocketwire.pausedUntil", 0);
}

/** How many messages the next request has at most. */
function batchSize(store) {
  return store.get("pocketwire.batchSize") || BATCH_MESSAGES;
}

function setBatchSize(store, size) {
  store.set("pocketwire.batchSize", Math.min(size, BATCH_MESSAGES));
}

/** Whether `text` differs from the last text. A long outage is logged once. */
function isNews(store, text) {
  if (store.get("pocketwire.lastNews") === text) return false;
  store.set("pocketwire.lastNews", text);
  return true;
}

module.exports = {
  takeLease,
  endLease,
  isWaiting,
  setWaiting,
  isDue,
  pause,
  endPause,
  batchSize,
  setBatchSize,
  isNews,
};
