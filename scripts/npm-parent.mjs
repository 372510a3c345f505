// What a program must know about the npm script that runs it.
import { readFileSync } from "node:fs";

/**
 * Calls back when the npm process that runs this program ends. npm sends SIGTERM to its shell only, and the shell exits without
 * forwarding the signal. This process then sees that its parent has changed.
 */
export function onNpmEnd(listener) {
  if (!isAwaitedByNpm()) return;
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(watch);
    listener();
  }, 250);
  watch.unref();
}

/**
 * Whether npm waits for this process. False if the npm script runs it in the background, where it must outlive npm. The
 * rule is the same as in the service, but Node cannot import the TypeScript source of the service.
 */
function isAwaitedByNpm() {
  const { npm_lifecycle_script: script } = process.env;
  if (script === undefined || /(^|[^&>])&([^&>]|$)/.test(script)) return false;
  try {
    const command = readFileSync(`/proc/${process.ppid}/cmdline`, "utf8");
    return command.includes("\0-c\0") && command.includes(script);
  } catch {
    return true;
  }
}
