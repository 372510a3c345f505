import { expect, it } from "vitest";
import { isLoopback } from "../../../../src/api/auth/loopback.ts";

it.each(["localhost", "127.0.0.1", "127.1.2.3", "::1", "[::1]"])(
  "%s is a loopback address",
  (host) => expect(isLoopback(host)).toBe(true),
);

it.each([
  "0.0.0.0",
  "::",
  "10.0.0.1",
  "app.localhost",
  "localhost.example.com",
  "127.0.0.1.example.com",
  "::2",
  "",
])("%j is not a loopback address", (host) => expect(isLoopback(host)).toBe(false));
