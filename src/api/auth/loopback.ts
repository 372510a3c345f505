/**
 * `localhost`, 127.0.0.0/8 and ::1, with or without brackets. Not the names below `localhost`: RFC 6761 reserves them, but a
 * program asks a resolver for them, and the resolver may answer with another machine.
 */
const LOOPBACK = /^(?:localhost|127\.\d+\.\d+\.\d+|::1|\[::1\])$/;

/** Whether a host name or an IP address names this machine only. Other machines can't reach such an address. */
export function isLoopback(host: string): boolean {
  return LOOPBACK.test(host);
}
