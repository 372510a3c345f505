// Loaded before a program with `--import`: a third of the calls of `publish` fail, half of these after the log has the message.
import { RealtimeError, RealtimeManager } from "pocketwire";
import { createInProcessRegistry, createMemoryLog } from "pocketwire/adapter";

const registry = createInProcessRegistry({
  manager: new RealtimeManager(),
  log: createMemoryLog(),
});
const prototype = Object.getPrototypeOf(registry);
const { publish } = prototype;
let calls = 0;

prototype.publish = async function (...args) {
  calls += 1;
  const isFailing = calls % 3 === 0;
  const isStored = calls % 2 === 0;
  const result = !isFailing || isStored ? await publish.apply(this, args) : undefined;
  if (!isFailing) return result;
  console.log("publish failed");
  throw new RealtimeError("unreachable", "The log can't be reached.");
};
