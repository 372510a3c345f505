/** Turns a record change into a message of `POST /api/realtime/messages`. */

/** A description has at most this many fields and hidden fields. */
const MAX_FIELDS = 200;

/** The field types that Pocketwire knows. It guesses the type of any other field from the value. */
const FIELD_TYPES = [
  "text",
  "number",
  "bool",
  "date",
  "autodate",
  "email",
  "url",
  "editor",
  "select",
  "file",
  "relation",
  "json",
  "geoPoint",
];

/**
 * @returns The description of a collection that a message carries, and the names of the fields that are never sent:
 *   passwords, the token key of users, and hidden fields that the description has no place for.
 */
function describe(collection) {
  const description = {
    id: collection.id,
    name: collection.name,
    type: collection.type,
    fields: {},
    hidden: [],
  };
  const secret = [];
  for (let i = 0; i < collection.fields.length; i++) {
    const field = collection.fields[i];
    const name = field.getName();
    const type = field.type();
    if (type === "password" || (collection.type === "auth" && name === "tokenKey")) {
      secret.push(name);
      continue;
    }
    if (FIELD_TYPES.indexOf(type) >= 0 && Object.keys(description.fields).length < MAX_FIELDS) {
      // Only fields of the types select, file and relation have `isMultiple`.
      const isMultiple = typeof field.isMultiple === "function" && field.isMultiple();
      description.fields[name] = isMultiple ? `${type}[]` : type;
    }
    if (field.getHidden()) {
      const isOneTooMany = description.hidden.length === MAX_FIELDS;
      (isOneTooMany ? secret : description.hidden).push(name);
    }
  }
  return { description, secret };
}

/**
 * A record as Go's JSON writes it, which `JSON.stringify` calls. The record includes hidden fields and an invisible email:
 * Pocketwire withholds them from clients.
 */
function exported(record, description, secret) {
  record.ignoreEmailVisibility(true);
  record.unhide(...description.hidden);
  record.hide(...secret);
  return record;
}

/**
 * @param record The record after a create or an update, and before a delete.
 * @param previous The record before an update, otherwise null.
 * @returns The message as JSON.
 */
function messageOf(action, collection, record, previous, isPrivate) {
  const { description, secret } = describe(collection);
  const message = {
    // Pocketwire recognizes a repeated message by its id.
    id: $security.randomString(21),
    collection: description,
    action,
    record: exported(record, description, secret),
  };
  if (previous !== null) message.previous = exported(previous, description, secret);
  if (isPrivate) message.private = true;
  return JSON.stringify(message);
}

module.exports = { messageOf };
