/** An `EventSource` without a network. Tests send its events. */
export class FakeEventSource extends EventTarget {
  /** All that were created, in order. */
  static created: FakeEventSource[] = [];
  readyState = 0;
  readonly url: string;
  readonly withCredentials: boolean | undefined;

  constructor(url: string, init?: { withCredentials?: boolean }) {
    super();
    this.url = url;
    this.withCredentials = init?.withCredentials;
    FakeEventSource.created.push(this);
  }

  static get last(): FakeEventSource {
    const last = FakeEventSource.created.at(-1);
    if (last === undefined) throw new Error("There is no event source.");
    return last;
  }

  /** The cursor in the address. */
  get cursor(): string | null {
    return new URL(this.url).searchParams.get("lastEventId");
  }

  send(type: string, id: string, data = "{}"): void {
    this.readyState = 1;
    this.dispatchEvent(new MessageEvent(type, { data, lastEventId: id }));
  }

  /** Ends the connection. The event source reconnects, or gives up. */
  fail(givesUp = false): void {
    this.readyState = givesUp ? 2 : 0;
    this.dispatchEvent(new Event("error"));
  }

  close(): void {
    this.readyState = 2;
  }
}
