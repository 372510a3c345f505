import { customAlphabet } from "nanoid";

/** Returns a random name for a process: 8 letters and digits. */
export const newHome: () => string = customAlphabet("0123456789abcdefghijklmnopqrstuvwxyz", 8);

/** Returns the name of the process that assigned a client id (`assignClientId`). Undefined for other text. */
export function homeOf(clientId: string): string | undefined {
  return /^[^.]*\.([0-9a-z]{8})\../.exec(clientId)?.[1];
}
