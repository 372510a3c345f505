import type { ConnectOptions } from "./types.ts";

type Token = string | null | undefined;

/** Close to the longest delay of a timer. A timer with a longer delay would fire at once. */
const MAX_DELAY = 2 ** 30;

/** The user's token. */
export interface TokenStore {
  /** Returns the token, or nothing for a guest. Rejects if the function of the options rejects. */
  get(): Promise<Token>;
  /** Forgets the token: the service has refused it, or the user has changed. */
  forget(): void;
}

/**
 * Stores the user's token.
 *
 * @param read The option `token` of `connect`.
 * @param onStale Called before the token expires. `get` then returns a new token.
 */
export function createTokenStore(read: ConnectOptions["token"], onStale: () => void): TokenStore {
  let token: Promise<Token> | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;

  const forget = () => {
    clearTimeout(timer);
    token = undefined;
  };

  /** Calls `onStale` before a JWT expires. For other tokens, the service sends PB_AUTH_EXPIRED. */
  const schedule = (text: Token) => {
    try {
      const payload = String(text).split(".")[1] as string;
      const { exp } = JSON.parse(atob(payload.replace(/-/g, "+").replace(/_/g, "/")));
      const left = exp * 1000 - Date.now();
      if (!(left > 0)) return;
      // Random, so that clients that started together do not ask for their tokens together.
      const delay = Math.min(left * (0.8 + Math.random() * 0.1), MAX_DELAY);
      timer = setTimeout(() => {
        forget();
        onStale();
      }, delay);
    } catch {
      // Not a JWT.
    }
  };

  return {
    get: () => {
      if (token === undefined) {
        const reading = (async () => read?.())();
        token = reading;
        reading.then(
          (text) => token === reading && schedule(text),
          () => token === reading && forget(),
        );
      }
      return token;
    },
    forget,
  };
}
