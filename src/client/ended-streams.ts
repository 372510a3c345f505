/** How far one stream has come. */
export interface Progress {
  /** Address of the stream, as text that also says whether it sends cookies. */
  readonly address: string;
  /** The id of the last event. Empty: there is nothing to resume, or another stream does it. */
  cursor: string;
  isClosed: boolean;
}

/** How long a stream that ended is expected to come back, in milliseconds. */
const EXPECTED_FOR = 60_000;
/** Number of streams that are expected to come back at one address, and number of such addresses. */
const MOST_EXPECTED = 100;

/**
 * The stream that a listener was added to last. The PocketBase SDK adds the listeners of its subscriptions to each new stream,
 * and a subscription always has a new listener. A listener therefore tells which stream a new stream continues, however many
 * instances of the SDK use one address.
 */
const progressOf = new WeakMap<object, Progress>();

/** The streams that are expected to come back, by address, in the order in which they ended. */
const ended = new Map<string, { readonly progress: Progress; readonly since: number }[]>();

/** Notes that listeners belong to a stream. */
export function claim(listeners: Iterable<object>, progress: Progress): void {
  for (const listener of listeners) progressOf.set(listener, progress);
}

/** Returns the ended stream that one of these listeners was added to, if there is anything to resume. */
export function streamOf(listeners: Iterable<object>, address: string): Progress | undefined {
  for (const listener of listeners) {
    const progress = progressOf.get(listener);
    const isIt = progress?.isClosed === true && progress.address === address;
    if (isIt && progress.cursor !== "") return progress;
  }
  return undefined;
}

/** Notes that a new stream will probably continue this one. */
export function addEnded(progress: Progress): void {
  if (progress.cursor === "") return;
  const list = ended.get(progress.address) ?? [];
  ended.set(progress.address, list);
  if (list.push({ progress, since: Date.now() }) > MOST_EXPECTED) list.shift();
  const [oldest = ""] = ended.keys();
  if (ended.size > MOST_EXPECTED) ended.delete(oldest);
}

/** Takes a stream from the expected ones. */
export function removeEnded(progress: Progress): void {
  take(progress.address, (other) => other === progress);
}

/** Takes the stream that a new stream at this address probably continues: the one that ended first. */
export function takeEnded(address: string): Progress | undefined {
  return take(address, () => true);
}

function take(address: string, isIt: (progress: Progress) => boolean): Progress | undefined {
  const now = Date.now();
  const list = (ended.get(address) ?? []).filter(({ since }) => now - since < EXPECTED_FOR);
  const index = list.findIndex(({ progress }) => isIt(progress));
  const [taken] = index === -1 ? [] : list.splice(index, 1);
  if (list.length > 0) ended.set(address, list);
  else ended.delete(address);
  return taken?.progress;
}
