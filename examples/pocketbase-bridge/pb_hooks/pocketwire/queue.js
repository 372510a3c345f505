/**
 * The queue: a table in PocketBase's database. It is not a collection, so PocketBase's API does not show it, and writing to
 * it calls no hooks. `seq` is the order in which the changes were stored. `refused` is empty, or says why Pocketwire refused
 * the message.
 */

function create(app) {
  app
    .db()
    .newQuery(
      "CREATE TABLE IF NOT EXISTS _pocketwire_queue " +
        "(seq INTEGER PRIMARY KEY AUTOINCREMENT, message TEXT NOT NULL, refused TEXT NOT NULL DEFAULT '')",
    )
    .execute();
}

/** @param app The app of the transaction that changes the record. */
function add(app, message) {
  app
    .db()
    .newQuery("INSERT INTO _pocketwire_queue (message) VALUES ({:message})")
    .bind({ message })
    .execute();
}

/** @returns The oldest messages that wait, at most `limit`, as `{ seq, message }`. */
function oldest(app, limit) {
  const rows = arrayOf(new DynamicModel({ seq: 0, message: "" }));
  app
    .db()
    .newQuery(
      "SELECT seq, message FROM _pocketwire_queue WHERE refused = '' ORDER BY seq LIMIT {:limit}",
    )
    .bind({ limit })
    .all(rows);
  return rows;
}

/** Removes sent messages. */
function remove(app, first, last) {
  app
    .db()
    .newQuery(
      "DELETE FROM _pocketwire_queue WHERE seq >= {:first} AND seq <= {:last} AND refused = ''",
    )
    .bind({ first, last })
    .execute();
}

/** Keeps a message that Pocketwire refuses, and never sends it again. */
function setAside(app, seq, reason) {
  app
    .db()
    .newQuery("UPDATE _pocketwire_queue SET refused = {:reason} WHERE seq = {:seq}")
    .bind({ seq, reason })
    .execute();
}

/** Removes the oldest entries beyond `max`. @returns their number. */
function trim(app, max) {
  const result = app
    .db()
    .newQuery(
      "DELETE FROM _pocketwire_queue WHERE seq <= (SELECT MAX(seq) FROM _pocketwire_queue) - {:max}",
    )
    .bind({ max })
    .execute();
  return result.rowsAffected();
}

module.exports = { create, add, oldest, remove, setAside, trim };
