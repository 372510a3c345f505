type Handler<Type extends Event> = ((this: EventSource, event: Type) => unknown) | null;

/** The constants of `EventSource`, and its attributes `onopen`, `onmessage` and `onerror`. */
export class EventHandlers extends EventTarget {
  static readonly CONNECTING = 0;
  static readonly OPEN = 1;
  static readonly CLOSED = 2;
  readonly CONNECTING = 0;
  readonly OPEN = 1;
  readonly CLOSED = 2;
  readonly #handlers = new Map<string, { value: unknown; listener: (event: Event) => void }>();

  get onopen(): Handler<Event> {
    return this.#get("open");
  }

  set onopen(handler: Handler<Event>) {
    this.#set("open", handler);
  }

  get onmessage(): Handler<MessageEvent> {
    return this.#get("message");
  }

  set onmessage(handler: Handler<MessageEvent>) {
    this.#set("message", handler);
  }

  get onerror(): Handler<Event> {
    return this.#get("error");
  }

  set onerror(handler: Handler<Event>) {
    this.#set("error", handler);
  }

  #get<Type extends Event>(type: string): Handler<Type> {
    return (this.#handlers.get(type)?.value ?? null) as Handler<Type>;
  }

  #set(type: string, value: unknown): void {
    const before = this.#handlers.get(type);
    if (before !== undefined) this.removeEventListener(type, before.listener);
    this.#handlers.delete(type);
    if (typeof value !== "function") return;
    const listener = (event: Event) => {
      // A message to a topic called "error" must not look like a broken connection.
      if (type === "message" || !("data" in event)) value.call(this, event);
    };
    this.#handlers.set(type, { value, listener });
    this.addEventListener(type, listener);
  }
}
