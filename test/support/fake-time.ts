/** Why tests that advance timers asynchronously are left out. Undefined in Vitest. */
export const NO_FAKE_TIME: string | undefined =
  "Bun" in globalThis ? "Bun's test runner can't advance timers asynchronously" : undefined;
