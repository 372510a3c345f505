/** Says in plain words why a program can't listen, and how to choose another address. */
import { formatURL } from "./listening.ts";

interface Address {
  readonly host: string;
  readonly port: number;
}

/** Returns the text that the log shows for an error at the start. */
export function describeStartError(error: unknown, { host, port }: Address): string {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  switch (code) {
    case "EADDRINUSE":
      return `Port ${port} is in use: another program listens on ${formatURL(host, port)}. End that program, or choose another port with --port or the variable PORT; 0 takes a free port.`;
    case "EACCES":
      return `This user may not listen on port ${port}. Choose a port above 1023 with --port or the variable PORT.`;
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
      return `"${host}" is not an address of this machine. Choose another with --host or the variable HOST: only this machine can reach 127.0.0.1, and other machines can reach 0.0.0.0.`;
    default:
      return String(error);
  }
}
