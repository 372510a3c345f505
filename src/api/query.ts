import type { Context } from "hono";
import * as z from "zod/mini";
import { MAX_LAST, type Start } from "../realtime/types.ts";
import { type KeyLimits, keysSchema, MAX_EVENT_ID } from "./keys.ts";
import type { RequestLimits } from "./options.ts";
import { validate } from "./validation.ts";

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
export function createReadConnect(
  limits: RequestLimits,
): (c: Context) => Start & { readonly topics: readonly string[] } {
  const schema = connectSchema(limits);
  return (c) => {
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
