/** What a backend may answer to a question. */
import * as v from "valibot";
import { isObject } from "../../realtime/is-object.ts";
import type { PublishInput } from "../../realtime/message.ts";
import { MAX_INFO, type MemberInfo } from "../../realtime/presence/presence.ts";
import { subjectSchema, topicPatterns } from "../auth/claims.ts";
import { strictObject } from "../schemas/objects.ts";
import { type KeyLimits, keysSchema } from "../schemas/subscription-keys.ts";
import { invalidInput, validateItem } from "../schemas/validate.ts";
import type { Ask } from "./options.ts";

const MAX_CACHE_SECONDS = 300;
/** Maximum length of a reason. The client gets the reason as the message of the error. */
const MAX_REASON = 500;

/** An answer to a question of any kind. `createAnswerReader` refuses the fields that do not belong to the kind. */
export interface Answer {
  readonly allow: boolean;
  /** Why a request is refused. */
  readonly reason?: string | undefined;
  /** The status of a request that is refused. Default 403. */
  readonly status?: 401 | 403 | 429 | undefined;
  /** How long the answer may be used for the same question. Default 0. */
  readonly cacheSeconds?: number | undefined;
  /** The identity of a guest's stream. */
  readonly identity?: string | undefined;
  /** The rights of the identity: patterns of topics. */
  readonly rights?: readonly string[] | undefined;
  /** `Principal.info` of the identity. */
  readonly info?: MemberInfo | undefined;
  /** The subscription keys in place of those that were asked for. */
  readonly subscriptions?: readonly string[] | undefined;
  /** The message in place of the message that was asked about. */
  readonly message?: PublishInput | undefined;
}

/** Reads the text of an answer. */
export type AnswerReader = (type: Ask, text: string) => Answer;

/** Makes an `AnswerReader`. It throws an Error that names the first field that is wrong. */
export function createAnswerReader(limits: KeyLimits): AnswerReader {
  const schemas = createAnswerSchemas(limits);
  return (type, text) => {
    let answer: unknown;
    try {
      answer = JSON.parse(text);
    } catch {
      throw new Error("the answer is not JSON");
    }
    const errors = validateItem(schemas[type], answer);
    if (errors === undefined) return answer as Answer; // The schema has checked it.
    throw new Error(invalidInput(errors).message.replace("The request", "the answer"));
  };
}

/** The schemas of answers, by the question. */
export function createAnswerSchemas(limits: KeyLimits) {
  const always = {
    allow: v.boolean(),
    reason: v.optional(v.pipe(v.string(), v.maxLength(MAX_REASON))),
    status: v.optional(
      v.custom<number>(
        (status) => [401, 403, 429].includes(status as number),
        "Must be 401, 403 or 429.",
      ),
    ),
  };
  const cacheSeconds = v.optional(
    v.custom<number>(
      (seconds) => typeof seconds === "number" && seconds >= 0 && seconds <= MAX_CACHE_SECONDS,
      `Must be a number from 0 to ${MAX_CACHE_SECONDS}.`,
    ),
  );
  const subscriptions = v.optional(keysSchema(limits));
  return {
    connect: strictObject({
      ...always,
      cacheSeconds,
      subscriptions,
      identity: v.optional(subjectSchema),
      rights: topicPatterns,
      info: v.optional(
        v.custom<object>(isInfo, `Must be an object of at most ${MAX_INFO} bytes as JSON.`),
      ),
    }),
    subscribe: strictObject({ ...always, cacheSeconds, subscriptions }),
    publish: strictObject({
      ...always,
      message: v.optional(v.custom<object>(isObject, "Must be an object.")),
    }),
  };
}

function isInfo(info: unknown): boolean {
  return isObject(info) && new TextEncoder().encode(JSON.stringify(info)).length <= MAX_INFO;
}
