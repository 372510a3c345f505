import type { ConnectOptions } from "./types.ts";

type Token = string | null | undefined;

/** Close to the longest delay of a timer. A timer with a longer delay would fire at once. */
const MAX_DELAY = 2 ** 30;

/** Stores the user's token, and calls a function before the token expires. */
export class TokenStore {
  readonly #read: ConnectOptions["token"];
  readonly #onStale: () => void;
  #token: Promise<Token> | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param onStale Called when the token is about to expire. `get` then returns a fresh one. */
  constructor(read: ConnectOptions["token"], onStale: () => void) {
    this.#read = read;
    this.#onStale = onStale;
  }

  /** Returns the token, or nothing for a guest. Rejects if the function of the options rejects. */
  get(): Promise<Token> {
    if (this.#token === undefined) {
      const reading = (async () => this.#read?.())();
      this.#token = reading;
      reading.then(
        (token) => this.#token === reading && this.#schedule(token),
        () => this.#token === reading && this.forget(),
      );
    }
    return this.#token;
  }

  /** Forgets the token: the service has refused it, or the user has changed. */
  forget(): void {
    clearTimeout(this.#timer);
    this.#token = undefined;
  }

  /** Calls `onStale` before a JWT expires. For other tokens, the service sends PB_AUTH_EXPIRED. */
  #schedule(token: Token): void {
    try {
      const payload = String(token).split(".")[1] as string;
      const { exp } = JSON.parse(atob(payload.replace(/-/g, "+").replace(/_/g, "/")));
      const left = exp * 1000 - Date.now();
      if (!(left > 0)) return;
      // Random, so that clients that started together do not ask for their tokens together.
      const delay = Math.min(left * (0.8 + Math.random() * 0.1), MAX_DELAY);
      this.#timer = setTimeout(() => {
        this.forget();
        this.#onStale();
      }, delay);
    } catch {
      // Not a JWT.
    }
  }
}
