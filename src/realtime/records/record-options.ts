import { RealtimeError } from "../errors.ts";
import { RECORD_OPTIONS, type SubscriptionOptions } from "../subscriptions/subscription-key.ts";

/** The parts of a subscription's options that change what it receives. All are query parameters. */
export interface RecordOptions {
  /** PocketBase's filter language. Undefined: every record. */
  readonly filter: string | undefined;
  /** PocketBase's `fields`. Undefined: the whole record. */
  readonly fields: string | undefined;
  /** The changes to send. Undefined: all. */
  readonly actions: ReadonlySet<string> | undefined;
  /** An update is sent only if it changed one of these fields. Undefined: every update. */
  readonly changed: readonly string[] | undefined;
  /** Whether an update that moves a record out of the selection is sent as `leave`. */
  readonly leave: boolean;
  /** Whether the data of each event is in an envelope (envelope.ts). Undefined: as `StreamOptions.envelope` sets. */
  readonly envelope: boolean | undefined;
}

const ACTIONS: ReadonlySet<string> = new Set(["create", "update", "delete"]);

/** Maximum number of fields in the option `changed`. */
const MAX_CHANGED = 100;

/**
 * Reads the options of a subscription that change what it receives.
 *
 * @throws RealtimeError `invalid_input` for an option that can't be read. Filter and fields are not compiled here.
 */
export function readRecordOptions({ query, structured = [] }: SubscriptionOptions): RecordOptions {
  const wrong = structured.find((name) => RECORD_OPTIONS.has(name));
  if (wrong !== undefined) {
    throw invalidOption(`The option "${wrong}" is a list or an object. Send a text.`);
  }
  const { filter, fields, actions, changed, leave, envelope } = query;
  return {
    // A filter of spaces is not empty: it can't be compiled, as in PocketBase.
    filter: filter === "" ? undefined : filter,
    fields: fields?.trim() ? fields : undefined,
    actions: readActions(actions),
    changed: readChanged(changed),
    leave: readBoolean("leave", leave) ?? false,
    envelope: readBoolean("envelope", envelope),
  };
}

function readActions(text: string | undefined): ReadonlySet<string> | undefined {
  const actions = namesIn(text);
  if (actions === undefined) return undefined;
  for (const action of actions) {
    if (ACTIONS.has(action)) continue;
    throw invalidOption(
      `The option "actions" contains ${JSON.stringify(action)}. Use create, update and delete, with commas between them.`,
    );
  }
  return new Set(actions);
}

function readChanged(text: string | undefined): readonly string[] | undefined {
  const fields = namesIn(text);
  if (fields !== undefined && fields.length > MAX_CHANGED) {
    throw invalidOption(`The option "changed" has at most ${MAX_CHANGED} fields.`);
  }
  const path = fields?.find((field) => field.includes("."));
  if (path !== undefined) {
    throw invalidOption(
      `The option "changed" contains ${JSON.stringify(path)}. Name whole fields, without a path.`,
    );
  }
  return fields;
}

/** Returns undefined for an option that is missing or empty. */
function readBoolean(name: string, text: string | undefined): boolean | undefined {
  if (text === undefined || text === "") return undefined;
  if (text === "true" || text === "1") return true;
  if (text === "false" || text === "0") return false;
  throw invalidOption(`The option "${name}" must be true or false.`);
}

/** Returns the names in a list with commas. Undefined if there is none. */
function namesIn(text: string | undefined): readonly string[] | undefined {
  const names = (text ?? "")
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
  return names.length === 0 ? undefined : names;
}

/** Creates the error for options of a subscription that can't be used. */
export function invalidOption(message: string): RealtimeError {
  return new RealtimeError("invalid_input", message);
}
