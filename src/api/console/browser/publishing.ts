import type { API } from "./api.ts";
import type { Dom } from "./dom.ts";
import type { EventList } from "./events.ts";
import type { Examples } from "./examples.ts";

/**
 * Binds the form that publishes, and the button that reads the history. The function is longer than 50 lines because each
 * function of the console's page must be self-contained (parts.ts).
 */
export function bindPublishing(dom: Dom, api: API, examples: Examples, events: EventList): void {
  const { find, showResult, showError } = dom;
  const form = find<HTMLFormElement>("#publish");

  form.addEventListener("change", () => {
    const kind = String(new FormData(form).get("kind"));
    for (const row of form.querySelectorAll<HTMLElement>("[data-kind]")) {
      row.hidden = row.dataset.kind !== kind;
    }
    find("#data-label").textContent = kind === "record" ? "Record, JSON with an id" : "Data, JSON";
  });

  const publishRecord = (
    fields: FormData,
    record: unknown,
    previous?: unknown,
  ): Promise<unknown> => {
    const [collection, action] = [fields.get("collection"), fields.get("action")];
    const body = { collection, action, record, previous };
    const sdk = `await pb.collection(${JSON.stringify(collection)}).subscribe("*", (e) => console.log(e.action, e.record)); // receives it`;
    examples.show({ path: "/messages", body, sdk, needsKey: true });
    return api.post("/messages", body);
  };

  const publishMessage = (fields: FormData, data: unknown): Promise<unknown> => {
    const topic = fields.get("topic");
    const isPrivate = fields.get("private") === "on";
    const body = isPrivate ? { topic, data, private: true } : { topic, data };
    const sdk = `${examples.subscribe(topic)} // receives it`;
    examples.show({ path: "/messages", body, sdk, needsKey: true });
    return api.post("/messages", body);
  };

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const fields = new FormData(form);
    const isRecord = fields.get("kind") === "record";
    let data: unknown;
    let previous: unknown;
    try {
      data = JSON.parse(String(fields.get("data")));
      if (isRecord && fields.get("previous")) previous = JSON.parse(String(fields.get("previous")));
    } catch (error) {
      showResult(`The data is not JSON: ${String(error)}`, true);
      return;
    }
    const publish = isRecord ? publishRecord : publishMessage;
    // The response to a body with one message is one receipt (the schema `Receipt` of the OpenAPI document).
    publish(fields, data, previous).then(
      (accepted) => showResult(`Accepted: ${(accepted as { id: string }).id}`),
      showError,
    );
  });

  interface History {
    readonly messages: readonly {
      readonly topics: readonly string[];
      readonly id: string;
      readonly at: string;
      readonly data: unknown;
      readonly cursor: string;
    }[];
  }

  interface RuleOfTopic {
    readonly rules: readonly unknown[];
    readonly rule: number | null;
  }

  /** Describes the topic rule that applies. Returns "" if there are no rules, or if the key is not the admin key. */
  const describeRule = async (topic: string): Promise<string> => {
    if (!api.hasKey() || api.isKeyRefused()) return "";
    try {
      const found = await api.request(`/topics/rules?topic=${encodeURIComponent(topic)}`);
      // The response has the schema `TopicRules` of the OpenAPI document.
      const { rules, rule } = found as RuleOfTopic;
      if (rule !== null) return `. Topic rule ${rule}: ${JSON.stringify(rules[rule])}`;
      return rules.length === 0 ? "" : ". No topic rule applies";
    } catch {
      return "";
    }
  };

  find("#history").addEventListener("click", () => {
    const topic = String(new FormData(form).get("topic"));
    const path = `/messages?topic=${encodeURIComponent(topic)}&limit=20`;
    const sdk = examples.subscribe(topic, ", { last: 20 }");
    examples.show({ path, sdk, needsKey: api.hasKey() });
    const rule = describeRule(topic);
    api.request(path).then(async (page) => {
      // The page has the schema `History` of the OpenAPI document.
      const { messages } = page as History;
      showResult(`The newest messages of ${topic} in the history: ${messages.length}${await rule}`);
      for (const { topics, id, at, data, cursor } of messages) {
        const facts = [topics.join(", "), `id ${id}`, at];
        events.add({
          name: `history: ${topics[0]}`,
          data: JSON.stringify(data),
          cursor,
          at,
          facts,
        });
      }
    }, showError);
  });
}
