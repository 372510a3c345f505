/** Stores each record change in the queue, in the transaction that changes the record. */
const queue = require(`${__hooks}/pocketwire/queue.js`);
const settings = require(`${__hooks}/pocketwire/settings.js`);
const { messageOf } = require(`${__hooks}/pocketwire/message.js`);

/** The collection of the changed record, or null if the change is not sent. */
function collectionOf(model, wanted) {
  // Other models are logs, collections and settings.
  if (typeof model.collection !== "function") return null;
  const collection = model.collection();
  if (collection.system) return null;
  const names = wanted.collections;
  return names.length === 0 || names.indexOf(collection.name) >= 0 ? collection : null;
}

/** The record in the database, or null. The record of the event may be older than the database, or not yet normalized. */
function find(app, collection, id) {
  const records = app.findRecordsByIds(collection, [id]);
  return records.length > 0 ? records[0] : null;
}

function change(e, action, app, collection, isPrivate) {
  const before = action === "create" ? null : find(app, collection, e.model.id);
  e.next();
  const record = action === "delete" ? before : find(app, collection, e.model.id);
  // An update or delete of a record that another request has deleted changes nothing.
  if (record === null) return;
  const previous = action === "update" ? before : null;
  queue.add(app, messageOf(action, collection, record, previous, isPrivate));
}

/**
 * Runs the change of a record and the entry in the queue in one transaction: in the current one, or in its own. Either both
 * are stored or neither.
 *
 * @param e The event of `onModelCreateExecute`, `onModelUpdateExecute` or `onModelDeleteExecute`.
 */
function capture(e, action) {
  const wanted = settings.read();
  const collection = wanted === null ? null : collectionOf(e.model, wanted);
  if (collection === null) {
    e.next();
    return;
  }
  const outer = e.app;
  let failure = null;
  try {
    outer.runInTransaction((app) => {
      e.app = app;
      try {
        change(e, action, app, collection, wanted.isPrivate);
      } catch (error) {
        failure = error;
        throw error;
      }
    });
  } catch (error) {
    // Passing through Go wraps the error. The original one has the validation errors that PocketBase answers with.
    throw failure === null ? error : failure;
  } finally {
    e.app = outer;
  }
}

module.exports = { capture };
