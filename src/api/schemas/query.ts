/** Query parameters of the routes: their schemas, and how they are read. */
import type { Context } from "hono";
import * as v from "valibot";
import { canHaveMembers } from "../../realtime/presence/presence.ts";
import { topicOf } from "../../realtime/subscriptions/subscription-key.ts";
import { MAX_LAST, type StartPosition, type StreamOptions } from "../../realtime/types.ts";
import { LIST_LIMITS } from "../../registry/paging.ts";
import type { PageRequest } from "../../registry/registry.ts";
import { HISTORY_PAGE, MAX_EVENT_ID, MAX_LIST_AFTER } from "../limits.ts";
import { object, oneOf } from "./objects.ts";
import { eventIdSchema, type KeyLimits, keysSchema } from "./subscription-keys.ts";
import { invalidInput, unknownFields, validate } from "./validate.ts";

/** Parameters that libraries add to get past caches (`_=…`), and trackers add (`utm_…`). The service ignores them. */
const IGNORED = /^(_|utm_)/;

/**
 * Checks the names of the query parameters. A route would otherwise ignore a misspelt parameter silently. `token` is
 * known for GET and HEAD, where it may carry a credential.
 *
 * @param known Parameters that may occur once.
 * @param lists Parameters that may be repeated.
 * @throws RealtimeError `invalid_input` for an unknown or repeated parameter.
 */
export function checkQueryParameters(
  c: Context,
  known: readonly string[] = [],
  lists: readonly string[] = [],
): void {
  const start = c.req.url.indexOf("?");
  if (start === -1) return;
  const takesToken = c.req.method === "GET" || c.req.method === "HEAD";
  const all = [...lists, ...known, ...(takesToken ? ["token"] : [])];
  const names = [...new URLSearchParams(c.req.url.slice(start + 1)).keys()];
  const unknown = names.filter((name) => !all.includes(name) && !IGNORED.test(name));
  if (unknown.length > 0) throw invalidInput(unknownFields(unknown, all));
  const single = names.filter((name) => all.includes(name) && !lists.includes(name));
  const repeated = single.find((name, index) => single.indexOf(name) !== index);
  if (repeated === undefined) return;
  const message = "The parameter is repeated. Send it once.";
  throw invalidInput({ [repeated]: { code: "validation_match_invalid", message } });
}

/** A whole number in a query. */
function wholeNumber(min: number, max: number) {
  const isInRange = (text: string) =>
    /^\d{1,9}$/.test(text) && Number(text) >= min && Number(text) <= max;
  return v.pipe(
    v.string(),
    v.check(isInRange, `Must be a whole number from ${min} to ${max}.`),
    v.transform(Number),
  );
}

/** The parameter `last`. */
export const lastSchema = wholeNumber(0, MAX_LAST);
/** The parameter `limit` of a read of the history. */
export const historyLimitSchema = wholeNumber(1, HISTORY_PAGE.max);
/** The parameter `limit` of a list. */
export const listLimitSchema = wholeNumber(1, LIST_LIMITS.max);
/** The parameter `envelope`. */
export const envelopeSchema = oneOf(["0", "1", "true", "false"]);

/** A query parameter; undefined when it is missing or empty. */
function optional(c: Context, name: string): string | undefined {
  return c.req.query(name) || undefined;
}

/** The values of `topic`. Empty values are ignored, as in PocketBase's list of subscriptions. */
function readTopics(c: Context): string[] {
  return (c.req.queries("topic") ?? []).filter((key) => key !== "");
}

/** The query of `GET /api/realtime`. */
export function connectSchema(limits: KeyLimits) {
  return object({
    topic: keysSchema(limits),
    last: v.optional(lastSchema),
    envelope: v.optional(envelopeSchema),
  });
}

/** What a client connects with. */
export interface ConnectQuery extends StartPosition, StreamOptions {
  readonly topics: readonly string[];
  /** Whether a ping contains an event besides the comment (`?ping=event`). A page sees events, but no comments. */
  readonly withPingEvent: boolean;
}

/** Makes the reader of `GET /api/realtime`'s query. The reader throws RealtimeError `invalid_input`. */
export function createConnectReader(limits: KeyLimits): (c: Context) => ConnectQuery {
  const schema = connectSchema(limits);
  return (c) => {
    checkQueryParameters(c, ["lastEventId", "last", "envelope", "ping"], ["topic"]);
    const ping = optional(c, "ping");
    if (ping !== undefined && ping !== "event") {
      const message = 'Must be "event", or left out.';
      throw invalidInput({ ping: { code: "validation_in_invalid", message } });
    }
    const {
      topic: topics,
      last,
      envelope,
    } = validate(schema, {
      topic: readTopics(c),
      last: optional(c, "last"),
      envelope: optional(c, "envelope"),
    });
    // The header comes first: a browser that reconnects sends it, and repeats the URL of its first connect. An id that is not
    // valid must not refuse the request, since an EventSource would give up for good.
    const lastEventId = c.req.header("Last-Event-ID") || optional(c, "lastEventId");
    return {
      topics,
      last,
      lastEventId: lastEventId?.slice(0, MAX_EVENT_ID),
      envelope: envelope === "true" || envelope === "1",
      withPingEvent: ping === "event",
    };
  };
}

/** The query of `GET /api/realtime/messages`. */
export function historySchema(limits: KeyLimits) {
  return object({
    topic: v.pipe(keysSchema(limits), v.minLength(1)),
    after: v.optional(eventIdSchema),
    before: v.optional(eventIdSchema),
    limit: v.optional(historyLimitSchema),
  });
}

/** Which page of the history to read. */
export interface HistoryQuery {
  readonly topics: readonly string[];
  readonly after: string | undefined;
  readonly before: string | undefined;
  readonly limit: number;
}

/** Makes the reader of `GET /api/realtime/messages`'s query. The reader throws RealtimeError `invalid_input`. */
export function createHistoryReader(limits: KeyLimits): (c: Context) => HistoryQuery {
  const schema = historySchema(limits);
  return (c) => {
    checkQueryParameters(c, ["after", "before", "limit"], ["topic"]);
    const query = validate(schema, {
      topic: readTopics(c),
      after: optional(c, "after"),
      before: optional(c, "before"),
      limit: optional(c, "limit"),
    });
    if (query.after !== undefined && query.before !== undefined) {
      const message = "Send either after or before, not both.";
      throw invalidInput({ before: { code: "validation_match_invalid", message } });
    }
    return {
      topics: query.topic,
      after: query.after,
      before: query.before,
      limit: query.limit ?? HISTORY_PAGE.default,
    };
  };
}

/** The query of `DELETE /api/realtime/messages`. */
export function eraseSchema({ maxTopicLength }: KeyLimits) {
  return object({
    topic: v.pipe(
      v.string(),
      v.minLength(1),
      v.maxLength(maxTopicLength),
      v.check((key) => topicOf(key) === key, "Must have no options: write only the topic."),
    ),
  });
}

/** The query of `GET /api/realtime/presence`. */
export function presenceSchema(limits: Pick<KeyLimits, "maxTopicLength">) {
  return object({ topic: memberTopicSchema(limits) });
}

/** A topic that may have members. */
export function memberTopicSchema({ maxTopicLength }: Pick<KeyLimits, "maxTopicLength">) {
  return v.pipe(
    v.string(),
    v.minLength(1),
    v.maxLength(maxTopicLength),
    v.check(
      (key) => topicOf(key) === key && canHaveMembers(key),
      "Must be a topic: no pattern, no options, and not $presence/.",
    ),
  );
}

/** The query of `GET /api/realtime/topics/rules`. */
export function topicRulesSchema({ maxTopicLength }: KeyLimits) {
  return object({ topic: v.optional(v.pipe(v.string(), v.maxLength(maxTopicLength))) });
}

/** Reads a query with `topic` as its only parameter. @throws RealtimeError `invalid_input`. */
export function readTopicQuery<T>(c: Context, schema: v.GenericSchema<unknown, T>): T {
  checkQueryParameters(c, ["topic"]);
  return validate(schema, { topic: optional(c, "topic") });
}

/** The query of a list of clients or topics. */
export const pageSchema = object({
  limit: v.optional(listLimitSchema),
  after: v.optional(v.pipe(v.string(), v.maxLength(MAX_LIST_AFTER))),
});

/** Reads the query of a list. @throws RealtimeError `invalid_input`. */
export function readPageQuery(c: Context): PageRequest {
  checkQueryParameters(c, ["limit", "after"]);
  return validate(pageSchema, { limit: optional(c, "limit"), after: optional(c, "after") });
}
