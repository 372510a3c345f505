import type { Context } from "hono";
import * as z from "zod/mini";
import { MAX_LAST, type StartPosition } from "../../realtime/types.ts";
import type { RequestLimits } from "../limits.ts";
import { type KeyLimits, keysSchema, MAX_EVENT_ID } from "./subscription-keys.ts";
import { invalidInput, unknownFields, validate } from "./validate.ts";

/** Names that caches and trackers add to an address: they say nothing to the service, and are ignored. */
const FOREIGN = /^(_|utm_)/;

/**
 * Refuses query parameters that the route does not know, which would be ignored in silence otherwise, and those that
 * stand there twice and are no list. `token` is known wherever a credential is read from the query.
 *
 * @throws RealtimeError `invalid_input`.
 */
export function checkQueryParameters(
  c: Context,
  known: readonly string[] = [],
  lists: readonly string[] = [],
): void {
  const start = c.req.url.indexOf("?");
  if (start === -1) return;
  const isRead = c.req.method === "GET" || c.req.method === "HEAD";
  const all = [...lists, ...known, ...(isRead ? ["token"] : [])];
  const names = [...new URLSearchParams(c.req.url.slice(start + 1)).keys()];
  const unknown = names.filter((name) => !all.includes(name) && !FOREIGN.test(name));
  if (unknown.length > 0) throw invalidInput(unknownFields(unknown, all));
  const twice = names.find((name, at) => all.includes(name) && names.indexOf(name) !== at);
  if (twice === undefined || lists.includes(twice)) return;
  throw invalidInput({
    [twice]: { code: "validation_match_invalid", message: "Stands there twice. Send it once." },
  });
}

/** A whole number in a query. */
export function wholeNumber(least: number, most: number): z.ZodMiniType<number, string> {
  const schema = z.pipe(
    z.string(),
    z.transform((text, context): number => {
      const number = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
      if (number >= least && number <= most) return number;
      const message = `Must be a whole number from ${least} to ${most}.`;
      context.issues.push({ code: "custom", message, input: text });
      return z.NEVER;
    }),
  );
  // What it is for those who read the OpenAPI document.
  return schema.register(z.globalRegistry, { type: "integer", minimum: least, maximum: most });
}

/** What a client connects with. */
export function connectSchema(limits: KeyLimits) {
  return z.object({ topic: keysSchema(limits), last: z.optional(wholeNumber(0, MAX_LAST)) });
}

/** Reads what a client connects with, besides who it is. */
export function createConnectReader(
  limits: RequestLimits,
): (c: Context) => StartPosition & { readonly topics: readonly string[] } {
  const schema = connectSchema(limits);
  return (c) => {
    checkQueryParameters(c, ["lastEventId", "last", "ping"], ["topic"]);
    const ping = c.req.query("ping");
    if (ping && ping !== "event") {
      const message = 'Must be "event", or left out.';
      throw invalidInput({ ping: { code: "validation_in_invalid", message } });
    }
    const topic = (c.req.queries("topic") ?? []).filter((key) => key !== "");
    const { topic: topics, last } = validate(schema, {
      topic,
      last: c.req.query("last") || undefined,
    });
    // A browser that comes back sends the header, and the same address as ever. An id that names no place is
    // never a reason to refuse: an EventSource would not come again.
    const lastEventId = c.req.header("Last-Event-ID") || c.req.query("lastEventId") || undefined;
    return { topics, lastEventId: lastEventId?.slice(0, MAX_EVENT_ID), last };
  };
}
