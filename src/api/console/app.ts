/**
 * What the console's page does in the browser. It is one function, since the page carries its source (`toString`) and nothing
 * else of this file: what it uses stands in it.
 */
export function runConsole(): void {
  const MOST_EVENTS = 500;
  const SECONDS = 60;
  /** Milliseconds between the break and the way back. */
  const BREAK = 2000;

  const find = <T extends Element = HTMLElement>(selector: string): T => {
    const found = document.querySelector<T>(selector);
    if (found === null) throw new Error(`The page has no ${selector}`);
    return found;
  };
  const base = location.pathname.replace(/\/$/, "");
  const api = `${base}/api/realtime`;
  const address = `${location.origin}${api}`;
  const keyField = find<HTMLInputElement>("#key");
  const list = find<HTMLOListElement>("#events");
  const subscriptions = new Set<string>();
  const perSecond: number[] = new Array(SECONDS).fill(0);
  const clients: number[] = new Array(SECONDS).fill(0);
  /** As the service said last: it tells whoever has the admin key. */
  let clientCount = 0;
  /** Not asked about stats again. */
  let refusedKey = "";
  let stream: EventSource | undefined;
  let clientId = "";
  let lastEventId = "";
  let received = 0;
  let isPaused = false;
  let wakeUp: ReturnType<typeof setTimeout> | undefined;

  const element = (name: string, text = "", className = ""): HTMLElement => {
    const made = document.createElement(name);
    made.textContent = text;
    if (className !== "") made.className = className;
    return made;
  };

  // Not `append`: the types of Workers know an Element of their own with another one.
  const put = (parent: Element, ...children: readonly Element[]): void => {
    for (const child of children) parent.appendChild(child);
  };

  const setState = (text: string, className: "" | "open" | "broken"): void => {
    find("#state").className = className;
    find("#state-text").textContent = text;
    find("#client-id").textContent = clientId === "" ? "none" : clientId;
    find("#connect").textContent = stream === undefined ? "Connect" : "Disconnect";
    find<HTMLButtonElement>("#break").disabled = className !== "open";
  };

  const answer = (text: string, isError = false): void => {
    const line = find("#answer");
    line.textContent = text;
    line.className = isError ? "error" : "";
  };

  const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

  const authorization = (): Record<string, string> =>
    keyField.value === "" ? {} : { Authorization: `Bearer ${keyField.value}` };

  /** Shows how the last step is taken elsewhere. The key is not repeated. */
  const show = (path: string, body: unknown, sdk: string, needsKey = false): void => {
    const parts = [
      `curl${body === undefined && path.includes("?topic") && needsKey === false ? " -N" : ""} ${quote(address + path)}`,
    ];
    if (needsKey) parts.push('-H "Authorization: Bearer $REALTIME_ADMIN_KEY"');
    if (body !== undefined) {
      parts.push("-H 'Content-Type: application/json'", `-d ${quote(JSON.stringify(body))}`);
    }
    find("#curl").textContent = parts.join(" \\\n  ");
    find("#sdk").textContent = sdk;
  };

  const pocketbase = `const pb = new PocketBase(${JSON.stringify(location.origin + base)});\n`;

  interface Failure {
    readonly message?: string;
    readonly data?: Record<string, { readonly message?: string }>;
  }

  const ask = async (path: string, init: RequestInit = {}): Promise<unknown> => {
    const response = await fetch(api + path, {
      ...init,
      headers: { ...authorization(), ...init.headers },
    });
    const text = await response.text();
    let value: unknown;
    try {
      value = text === "" ? undefined : JSON.parse(text);
    } catch {
      throw new Error(`${response.status}, with an answer that is not the service's`);
    }
    if (response.ok) return value;
    if (response.status === 401 || response.status === 403) refusedKey = keyField.value;
    const { message = "", data = {} } = (value ?? {}) as Failure;
    const fields = Object.entries(data).map(
      ([field, error]) => `${field}: ${error?.message ?? ""}`,
    );
    throw new Error([`${response.status} ${message}`, ...fields].join(" "));
  };

  const post = (path: string, body: unknown): Promise<unknown> =>
    ask(path, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });

  const matches = (item: Element): boolean => {
    const wanted = find<HTMLInputElement>("#filter").value.toLowerCase();
    return (item.textContent ?? "").toLowerCase().includes(wanted);
  };

  const count = (): void => {
    const hidden = [...list.children].filter((item) => (item as HTMLElement).hidden).length;
    const shown = `${received} event${received === 1 ? "" : "s"}`;
    find("#counts").textContent =
      shown + (hidden > 0 ? `, ${hidden} filtered out` : "") + (isPaused ? ", paused" : "");
  };

  const pretty = (data: string): string => {
    try {
      return JSON.stringify(JSON.parse(data), null, 2);
    } catch {
      return data;
    }
  };

  const addEvent = (name: string, data: string, cursor: string): void => {
    received += 1;
    perSecond[perSecond.length - 1] = (perSecond.at(-1) ?? 0) + 1;
    if (!isPaused) {
      const item = document.createElement("li");
      const details = document.createElement("details");
      const summary = document.createElement("summary");
      const time = element("time", new Date().toLocaleTimeString());
      put(
        summary,
        time,
        element("span", name, "name"),
        element("span", data, "short"),
        element("span", cursor, "cursor"),
      );
      put(details, summary, element("pre", pretty(data)));
      put(item, details);
      item.hidden = !matches(item);
      list.insertBefore(item, list.firstChild);
      while (list.childElementCount > MOST_EVENTS) list.lastElementChild?.remove();
    }
    count();
  };

  const hear = (event: Event): void => {
    const { type, data, lastEventId: id } = event as MessageEvent<string>;
    if (id !== "") lastEventId = id;
    addEvent(type, data, id);
  };

  const listenTo = (key: string): void => stream?.addEventListener(key, hear);

  const setSubscriptions = async (): Promise<void> => {
    const body = { clientId, subscriptions: [...subscriptions] };
    const topics = [...subscriptions].map(
      (key) => `await pb.realtime.subscribe(${JSON.stringify(key.split("?")[0])}, console.log);`,
    );
    show("", body, pocketbase + topics.join("\n"));
    if (clientId === "") return;
    try {
      await post("", body);
      answer("");
    } catch (error) {
      answer(String(error), true);
    }
  };

  /** Options are shown as they were typed in; a topic may have a % of its own. */
  const readable = (key: string): string => {
    const [topic = "", options] = key.split("?options=");
    if (options === undefined) return key;
    try {
      return `${topic} ${decodeURIComponent(options)}`;
    } catch {
      // A topic that was typed in may contain "?options=" and a % behind it.
      return key;
    }
  };

  const showSubscriptions = (): void => {
    const items = [...subscriptions].map((key) => {
      const item = element("li", readable(key));
      const remove = element("button", "×");
      remove.setAttribute("aria-label", `Unsubscribe from ${key}`);
      remove.addEventListener("click", () => {
        subscriptions.delete(key);
        showSubscriptions();
        void setSubscriptions();
      });
      put(item, remove);
      return item;
    });
    find("#subscriptions").replaceChildren(...items);
  };

  /** @param from The event seen last, to go on from there. */
  const connect = (from = ""): void => {
    const query = new URLSearchParams();
    if (from !== "") {
      query.set("lastEventId", from);
      for (const key of subscriptions) query.append("topic", key);
    }
    const path = query.size === 0 ? "" : `?${query}`;
    stream = new EventSource(api + path);
    setState("connecting", "");
    show(
      path === "" ? "?topic=chat" : path,
      undefined,
      `${pocketbase}await pb.realtime.subscribe("chat", console.log); // connects`,
    );
    for (const name of ["PB_RESUME", "PB_AUTH_EXPIRED", "message"]) listenTo(name);
    for (const key of subscriptions) listenTo(key);
    stream.addEventListener("PB_CONNECT", (event) => {
      hear(event);
      clientId = (JSON.parse(event.data) as { clientId: string }).clientId;
      setState("connected", "open");
      // A browser that came back by itself has a new client id, and the address it had at first.
      const wanted = [...subscriptions].sort().join("\n");
      if (wanted !== query.getAll("topic").sort().join("\n")) void setSubscriptions();
    });
    stream.addEventListener("error", (event) => {
      // A message to a topic of that name.
      if (event instanceof MessageEvent) return;
      const isOver = stream?.readyState === EventSource.CLOSED;
      if (isOver) {
        disconnect();
        answer(
          "The stream was refused: the browser does not say why, the curl line below does.",
          true,
        );
      } else setState("broken, coming back", "broken");
    });
  };

  const disconnect = (): void => {
    if (wakeUp !== undefined) clearTimeout(wakeUp);
    stream?.close();
    stream = undefined;
    clientId = "";
    setState("not connected", "");
  };

  find("#connect").addEventListener("click", () => {
    if (stream === undefined) connect();
    else disconnect();
  });

  find("#break").addEventListener("click", () => {
    stream?.close();
    clientId = "";
    setState("broken on purpose: publish something now", "broken");
    wakeUp = setTimeout(() => connect(lastEventId), BREAK);
  });

  find<HTMLFormElement>("#subscribe").addEventListener("submit", (event) => {
    event.preventDefault();
    const form = new FormData(event.target as HTMLFormElement);
    const topic = String(form.get("topic")).trim();
    const [last, options] = [String(form.get("last")), String(form.get("options")).trim()];
    let given: Record<string, unknown> = {};
    try {
      const parsed: unknown = options === "" ? {} : JSON.parse(options);
      if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) throw new Error();
      given = parsed as Record<string, unknown>;
    } catch {
      answer('Options must be a JSON object, for example {"query":{"expand":"author"}}.', true);
      return;
    }
    if (last !== "" && last !== "0") given.last = Number(last);
    const isPlain = Object.keys(given).length === 0;
    const key = isPlain ? topic : `${topic}?options=${encodeURIComponent(JSON.stringify(given))}`;
    subscriptions.add(key);
    listenTo(key);
    showSubscriptions();
    if (stream === undefined) connect();
    else void setSubscriptions();
  });

  const publishForm = find<HTMLFormElement>("#publish");
  publishForm.addEventListener("change", () => {
    const kind = String(new FormData(publishForm).get("kind"));
    for (const row of publishForm.querySelectorAll<HTMLElement>("[data-kind]")) {
      row.hidden = row.dataset.kind !== kind;
    }
    find("#data-label").textContent = kind === "record" ? "Record, JSON with an id" : "Data, JSON";
  });
  publishForm.addEventListener("submit", (event) => {
    event.preventDefault();
    const form = new FormData(publishForm);
    let data: unknown;
    try {
      data = JSON.parse(String(form.get("data")));
    } catch (error) {
      answer(`The data is not JSON: ${String(error)}`, true);
      return;
    }
    const isRecord = form.get("kind") === "record";
    const message = isRecord
      ? { collection: form.get("collection"), action: form.get("action"), record: data }
      : {
          topic: form.get("topic"),
          data,
          ...(form.get("private") === "on" ? { private: true } : {}),
        };
    const sdk = isRecord
      ? `${pocketbase}await pb.collection(${JSON.stringify(form.get("collection"))}).subscribe("*", (e) => console.log(e.action, e.record)); // the other end`
      : `${pocketbase}await pb.realtime.subscribe(${JSON.stringify(form.get("topic"))}, console.log); // the other end`;
    show("/messages", message, sdk, true);
    post("/messages", message).then(
      (accepted) => answer(`Accepted: ${(accepted as { id: string }).id}`),
      (error: unknown) => answer(String(error), true),
    );
  });

  find("#history").addEventListener("click", () => {
    const topic = String(new FormData(publishForm).get("topic"));
    const path = `/messages?topic=${encodeURIComponent(topic)}&limit=20`;
    show(
      path,
      undefined,
      `${pocketbase}await pb.realtime.subscribe(${JSON.stringify(topic)}, console.log, { last: 20 });`,
      keyField.value !== "",
    );
    ask(path).then(
      (page) => {
        const { messages } = page as {
          messages: { topic?: string; data: unknown; cursor: string }[];
        };
        answer(`${messages.length} messages in the history of ${topic}`);
        for (const { data, cursor } of messages)
          addEvent(`history: ${topic}`, JSON.stringify(data), cursor);
      },
      (error: unknown) => answer(String(error), true),
    );
  });

  find("#filter").addEventListener("input", () => {
    for (const item of list.children) (item as HTMLElement).hidden = !matches(item);
    count();
  });
  find("#pause").addEventListener("click", () => {
    isPaused = !isPaused;
    find("#pause").setAttribute("aria-pressed", String(isPaused));
    find("#pause").textContent = isPaused ? "Go on" : "Pause";
    count();
  });
  find("#clear").addEventListener("click", () => {
    received = 0;
    list.replaceChildren();
    count();
  });

  interface ClientLine {
    readonly clientId: string;
    readonly ip?: string;
    readonly identity?: string;
    readonly subscriptions: readonly string[];
  }

  const loadClients = async (): Promise<void> => {
    const note = find("#clients-note");
    show("/clients?limit=50", undefined, "// The SDK has no administration.", true);
    try {
      const { clients, next } = (await ask("/clients?limit=50")) as {
        clients: ClientLine[];
        next?: string;
      };
      note.textContent = `${clients.length} client${clients.length === 1 ? "" : "s"}${next === undefined || next === null ? "" : ", and more"}`;
      const items = clients.map((client) => {
        const item = document.createElement("li");
        const who = [client.clientId, client.identity, client.ip].filter(Boolean).join(" · ");
        const remove = element("button", "Disconnect");
        remove.setAttribute("aria-label", `Disconnect ${client.clientId}`);
        remove.addEventListener("click", () => {
          ask(`/clients/${encodeURIComponent(client.clientId)}`, { method: "DELETE" }).then(
            loadClients,
            (error: unknown) => {
              note.textContent = String(error);
            },
          );
        });
        put(
          item,
          element("p", who),
          element("p", client.subscriptions.join(", ") || "no subscriptions"),
          remove,
        );
        return item;
      });
      find("#clients").replaceChildren(...items);
    } catch (error) {
      note.textContent = String(error);
    }
  };
  find("#load-clients").addEventListener("click", () => void loadClients());

  /** Each line has a scale of its own. */
  const lineOf = (values: readonly number[], className: string): SVGElement => {
    const most = Math.max(1, ...values);
    const points = values.map(
      (value, second) => `${(second * 300) / (SECONDS - 1)},${78 - (value / most) * 74}`,
    );
    const line = document.createElementNS("http://www.w3.org/2000/svg", "polyline");
    line.setAttribute("points", points.join(" "));
    line.setAttribute("class", className);
    return line;
  };

  const draw = (): void => {
    find("#chart").replaceChildren(lineOf(perSecond, ""), lineOf(clients, "clients"));
    find("#rate").textContent =
      `${perSecond.at(-2) ?? 0} events a second, at most ${Math.max(...perSecond)} in the last minute`;
  };

  let isAsking = false;
  const readStats = async (): Promise<void> => {
    if (keyField.value === refusedKey || keyField.value === "" || isAsking) return;
    isAsking = true;
    try {
      const stats = (await ask("/stats")) as Record<string, unknown>;
      const names = [
        "clients",
        "subscriptions",
        "topics",
        "accepted",
        "delivered",
        "replayed",
        "duplicate",
      ];
      const lines = names.flatMap((name) => [
        element("dt", name),
        element("dd", Number(stats[name]).toLocaleString()),
      ]);
      find("#stats").replaceChildren(...lines);
      clientCount = Number(stats.clients);
    } catch {
      // A token that may only publish: the numbers of the page itself are there all the same.
      find("#stats").replaceChildren();
    }
    isAsking = false;
  };

  setInterval(() => {
    draw();
    perSecond.push(0);
    perSecond.shift();
    clients.push(clientCount);
    clients.shift();
  }, 1000);
  setInterval(() => {
    if (!document.hidden) void readStats();
  }, 2000);
  find<HTMLAnchorElement>("#docs").href = `${base}/api/docs`;
  show("?topic=chat", undefined, `${pocketbase}await pb.realtime.subscribe("chat", console.log);`);
  draw();
}
