import type { Context } from "hono";
import { nanoid } from "nanoid";
import { RealtimeError, type RealtimeErrorCode } from "../../realtime/errors.ts";
import type { PublishInput } from "../../realtime/message.ts";
import type { Principal } from "../../realtime/types.ts";
import type { Bytes, Milliseconds } from "../../realtime/units.ts";
import type { AuthenticatedCaller } from "../auth/authenticator.ts";
import { digest } from "../auth/digest.ts";
import { readLimited } from "../auth/read-limited.ts";
import { redactURL } from "../auth/redact-url.ts";
import type { RequestLimits } from "../limits.ts";
import type { MessageParser } from "../schemas/message.ts";
import { AnswerCache } from "./answer-cache.ts";
import { type Answer, type AnswerReader, createAnswerReader } from "./answers.ts";
import { NOTHING_ASKED } from "./counts.ts";
import { type Ask, CALLBACK_DEFAULTS, type CallbackOptions } from "./options.ts";
import { describeFailure, postCallback } from "./post.ts";
import { type RecentCallback, remember } from "./recent.ts";
import { Slots } from "./slots.ts";

const MAX_ANSWER_BYTES: Bytes = 64 * 1024;
/** How many requests may wait for each question in progress. */
const WAITING_PER_PLACE = 16;
/** Questions of one batch of messages in progress at a time. A Worker's request may have six connections. */
const BATCH_CONCURRENCY = 6;

const REFUSALS: Readonly<Record<number, RealtimeErrorCode>> = {
  401: "not_signed_in",
  403: "not_allowed",
  429: "too_many_requests",
};

/** What `Asker` needs besides the options. */
export interface AskerSettings {
  readonly limits: RequestLimits;
  readonly parseMessages: MessageParser;
  /** `Runtime.isOneProcess`. On Workers, a request must not wait for the I/O of another request. */
  readonly isOneProcess: boolean;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly monotonicNow: () => Milliseconds;
}

/** Throws an Error for an answer that is not possible. */
type AnswerCheck = (answer: Answer) => void;

/** The part of a question that depends on its type. */
interface Question {
  readonly subscriptions?: readonly string[] | undefined;
  readonly message?: PublishInput | undefined;
}

/** Asks a backend about requests. A request without an answer is refused with `callback_failed`. */
export class Asker {
  readonly counts = { ...NOTHING_ASKED };
  /** The newest questions, newest first. */
  readonly recent: RecentCallback[] = [];
  readonly #options: CallbackOptions;
  readonly #settings: AskerSettings;
  readonly #timeout: Milliseconds;
  readonly #slots: Slots;
  readonly #cache = new AnswerCache();
  readonly #readAnswer: AnswerReader;

  constructor(options: CallbackOptions, settings: AskerSettings) {
    const { timeout, maxConcurrent } = CALLBACK_DEFAULTS;
    const places = options.maxConcurrent ?? maxConcurrent;
    this.#options = options;
    this.#settings = settings;
    this.#timeout = options.timeout ?? timeout;
    this.#slots = new Slots(places, settings.isOneProcess ? places * WAITING_PER_PLACE : 0);
    this.#readAnswer = createAnswerReader(settings.limits);
  }

  /** Whether the backend is asked about requests of this kind. */
  asks(type: Ask): boolean {
    return this.#options.ask?.includes(type) ?? false;
  }

  /**
   * Asks about a new stream.
   *
   * @returns The caller as the answer names it, and the subscription keys of the answer if it has any.
   */
  async connect(
    c: Context,
    caller: Principal,
    subscriptions: readonly string[],
  ): Promise<{ principal: Principal; subscriptions?: readonly string[] | undefined }> {
    if (!this.asks("connect")) return { principal: caller };
    const question = { ...this.#describe(c, caller), subscriptions };
    const isGuest = caller.identity === undefined;
    const { answer, askedAt } = await this.#ask("connect", question, undefined, (answer) => {
      if (answer.identity !== undefined && !isGuest)
        throw new Error("identity: the request has a credential, which names its identity");
      if (answer.identity === undefined && (answer.rights ?? answer.info) !== undefined)
        throw new Error("rights or info: only an answer with identity may have them");
    });
    const { identity, rights = [], info, subscriptions: changed } = answer;
    if (identity === undefined) return { principal: caller, subscriptions: changed };
    const auth = { id: identity };
    // A revocation also covers an identity from the cache, if it came after the question.
    const times = { issuedAt: askedAt, expiresAt: undefined };
    const principal = { ...caller, identity, rights, info, auth, ...times, keepsIdentity: true };
    return { principal, subscriptions: changed };
  }

  /** Asks about subscriptions. Returns the keys to subscribe to. */
  async subscribe(
    c: Context,
    caller: Principal,
    subscriptions: readonly string[],
    clientId?: string,
  ): Promise<readonly string[]> {
    if (!this.asks("subscribe")) return subscriptions;
    const question = { ...this.#describe(c, caller), subscriptions };
    const { answer } = await this.#ask("subscribe", question, { clientId });
    return answer.subscriptions ?? subscriptions;
  }

  /**
   * Asks about each message, up to six at a time. All messages of a request share one timeout.
   *
   * @returns The messages to publish. Undefined if none has changed.
   */
  async publish(
    c: Context,
    { principal, isAdmin }: AuthenticatedCaller,
    messages: readonly PublishInput[],
  ): Promise<readonly PublishInput[] | undefined> {
    if (!this.asks("publish")) return undefined;
    const signal = AbortSignal.timeout(this.#timeout);
    const caller = this.#describe(c, { ...principal, isAdmin });
    const changed = [...messages];
    let next = 0;
    let hasChanged = false;
    const check = ({ message }: Answer) => {
      if (message !== undefined) this.#settings.parseMessages(message, isAdmin);
    };
    const askInTurn = async () => {
      while (next < messages.length) {
        const index = next++;
        const question = { ...caller, message: messages[index] };
        const { answer } = await this.#ask("publish", question, undefined, check, signal);
        if (answer.message === undefined) continue;
        changed[index] = answer.message;
        hasChanged = true;
      }
    };
    const asking = Array.from({ length: BATCH_CONCURRENCY }, askInTurn);
    await Promise.all(asking).finally(() => {
      next = messages.length;
    });
    return hasChanged ? changed : undefined;
  }

  /** The part of a question that says who sends the request. */
  #describe(c: Context, { ip, identity, info, isAdmin = false }: Principal): object {
    const headers = this.#options.headers?.flatMap((name) => {
      const value = c.req.header(name);
      return value === undefined ? [] : [[name.toLowerCase(), value]];
    });
    return {
      ip,
      identity: isAdmin ? undefined : identity,
      info,
      isAdmin,
      headers: headers && Object.fromEntries(headers),
    };
  }

  /**
   * Asks, and throws for a refusal. The parameters are those of `#findAnswer`.
   *
   * @returns The answer, and when its question was asked.
   */
  async #ask(
    type: Ask,
    question: Question,
    ...more: [uncached?: object | undefined, check?: AnswerCheck, signal?: AbortSignal]
  ): Promise<{ answer: Answer; askedAt: number }> {
    const { now, monotonicNow } = this.#settings;
    const start = monotonicNow();
    const note = (outcome: RecentCallback["outcome"], cached = false) =>
      remember(this.recent, {
        at: new Date(now()).toISOString(),
        type,
        count: question.subscriptions?.length ?? 1,
        outcome,
        milliseconds: Math.round(monotonicNow() - start),
        cached,
      });
    const asking = this.#findAnswer(type, question, ...more);
    const { answer, askedAt, isCached } = await asking.catch((error: unknown) => {
      note("failed");
      throw error;
    });
    note(answer.allow ? "allowed" : "refused", isCached);
    if (answer.allow) return { answer, askedAt };
    this.counts.refused += 1;
    const { status = 403, reason = "The backend has refused this request." } = answer;
    throw new RealtimeError(REFUSALS[status] ?? "not_allowed", reason);
  }

  /**
   * @param uncached A part of the question on which a cached answer does not depend.
   * @throws RealtimeError `callback_failed` without a valid answer.
   */
  async #findAnswer(
    type: Ask,
    question: Question,
    uncached?: object,
    check: AnswerCheck = () => undefined,
    signal: AbortSignal = AbortSignal.timeout(this.#timeout),
  ): Promise<{ answer: Answer; askedAt: number; isCached: boolean }> {
    const { now, monotonicNow } = this.#settings;
    const key = await digest(JSON.stringify({ type, ...question }));
    const known = this.#cache.get(key, monotonicNow());
    const askedAt = known?.askedAt ?? now();
    try {
      const body = JSON.stringify({ type, ...uncached, ...question });
      const text =
        known?.text ?? (await this.#slots.run(signal, () => this.#post(type, body, signal)));
      const answer = this.#readAnswer(type, text);
      check(answer);
      const { cacheSeconds = 0 } = answer;
      if (known !== undefined) this.counts.cached += 1;
      else if (cacheSeconds > 0) {
        this.#cache.set(key, { text, askedAt, until: monotonicNow() + cacheSeconds * 1000 });
      }
      return { answer, askedAt, isCached: known !== undefined };
    } catch (error) {
      this.counts.failed += 1;
      throw new RealtimeError(
        "callback_failed",
        "The service could not ask its backend about this request. Try again soon.",
        { cause: `${type}: ${describeFailure(error, this.#options.url)}` },
      );
    }
  }

  async #post(type: Ask, body: string, signal: AbortSignal): Promise<string> {
    const { url } = this.#options;
    const id = `msg_${nanoid()}`;
    this.counts.asked += 1;
    const response = await postCallback(this.#options, id, body, signal).catch((error: unknown) => {
      if (signal.aborted) throw error;
      // The backend may have closed an idle connection that the request was sent on. The question is the same, with the same id.
      return postCallback(this.#options, id, body, signal);
    });
    if (response.status !== 200) {
      await response.body?.cancel();
      throw new Error(`${redactURL(url)} answered ${response.status}`);
    }
    // An answer about a message may contain a message.
    const extra = type === "publish" ? this.#settings.limits.maxMessageBytes : 0;
    return readLimited(response, MAX_ANSWER_BYTES + extra);
  }
}
