import type { TabMessage } from "./messages.ts";

/** How long the host waits for a tab's token, in milliseconds. */
const TOKEN_TIME = 10_000;
/** How long the other tabs have when a tab could not send a token, in milliseconds. */
const OTHERS_TIME = 1_000;

type Answer = Extract<TabMessage, { kind: "token" }>;

/** Asks the tabs for a token of the user. */
export class TokenAsker {
  readonly #post: (ask: string) => void;
  readonly #asked = new Map<string, (answer: Answer) => void>();

  /** @param post Sends the question to all tabs. */
  constructor(post: (ask: string) => void) {
    this.#post = post;
  }

  /** Returns the first token that a tab sends. Rejects if all tabs send errors, or none sends anything. */
  ask(): Promise<string | undefined> {
    const ask = crypto.randomUUID();
    return new Promise<string | undefined>((resolve, reject) => {
      const fail = (text: string) => reject(new Error(text));
      let timer = setTimeout(fail, TOKEN_TIME, "No tab has sent a token.");
      this.#asked.set(ask, ({ token, error }) => {
        clearTimeout(timer);
        if (error === undefined) resolve(token);
        else timer = setTimeout(fail, OTHERS_TIME, error);
      });
      this.#post(ask);
    }).finally(() => this.#asked.delete(ask));
  }

  onAnswer(answer: Answer): void {
    this.#asked.get(answer.ask)?.(answer);
  }
}
