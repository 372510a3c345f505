/** The position of one stream. */
export interface Progress {
  /** URL of the stream, and whether it sends cookies. Only a stream with the same address can continue this one. */
  readonly address: string;
  /** The id of the last event. Empty if there is nothing to resume, or if a newer stream resumes it. */
  cursor: string;
  isClosed: boolean;
}

/** How long an ended stream is kept, in milliseconds. A new stream at its address may continue it. */
const EXPECTED_FOR = 60_000;
/** Maximum number of ended streams that are kept for one address, and maximum number of addresses. */
const MOST_EXPECTED = 100;

/**
 * The stream that a listener was last added to. The PocketBase SDK adds the listener of a subscription to each new stream, and
 * creates a new listener for each new subscription. A listener therefore identifies the stream that a new stream continues, even if
 * several instances of the SDK use one address.
 */
const progressOf = new WeakMap<object, Progress>();

/** The ended streams by address, in the order in which they ended. */
const ended = new Map<string, { readonly progress: Progress; readonly since: number }[]>();

/** Records that listeners belong to a stream. */
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

/** Keeps an ended stream, because a new stream will probably continue it. */
export function addEnded(progress: Progress): void {
  if (progress.cursor === "") return;
  const list = ended.get(progress.address) ?? [];
  ended.set(progress.address, list);
  if (list.push({ progress, since: Date.now() }) > MOST_EXPECTED) list.shift();
  const [oldest = ""] = ended.keys();
  if (ended.size > MOST_EXPECTED) ended.delete(oldest);
}

/** Removes a stream from the ended streams. */
export function removeEnded(progress: Progress): void {
  take(progress.address, (other) => other === progress);
}

/** Removes and returns the stream that a new stream at this address probably continues: the stream that ended first. */
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
