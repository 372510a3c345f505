import type { API, FieldError } from "./api.ts";
import type { Dom } from "./dom.ts";
import type { Examples } from "./examples.ts";

/**
 * Binds the form that publishes. The function is longer than 50 lines because each function of the console's page must be
 * self-contained (parts.ts).
 *
 * @param onPublish Runs when the service has accepted messages.
 */
export function bindPublishing(
  dom: Dom,
  api: API,
  examples: Examples,
  onPublish: () => void,
): void {
  const { find, say, count } = dom;
  const form = find<HTMLFormElement>("#publish");
  const data = find<HTMLTextAreaElement>("#publish [name=data]");
  /** The inputs that have a line for an error. */
  const INPUTS = ["topic", "collection", "data", "previous", "id", "ttl"];
  const LABELS: Readonly<Record<string, string>> = {
    message: "Data, JSON",
    record: "Record, JSON with an id",
    batch: "Messages, a JSON list",
  };
  /** The text of the input for each kind. */
  const texts: Record<string, string> = {
    message: '{"text":"hello"}',
    record: '{"id":"r1","title":"New"}',
    batch:
      '[\n  {"topic":"chat","data":{"text":"one"}},\n  {"topic":"chat","data":{"text":"two"}}\n]',
  };
  let kind = "message";

  const showInputError = (name: string, text: string): void => {
    say(`#publish-${name}-error`, text, text !== "");
    find(`#publish [name=${name}]`).setAttribute("aria-invalid", String(text !== ""));
  };

  const clearErrors = (): void => {
    for (const name of INPUTS) showInputError(name, "");
    say("#answer", "");
  };

  const showKind = (): void => {
    texts[kind] = data.value || texts[kind] || "";
    kind = String(new FormData(form).get("kind"));
    data.value = texts[kind] ?? "";
    find("#data-label").textContent = LABELS[kind] ?? "";
    for (const row of form.querySelectorAll<HTMLElement>("[data-kind]")) {
      row.hidden = !(row.dataset.kind ?? "").split(" ").includes(kind);
    }
    clearErrors();
  };

  /** @throws Error with the name of the input as its cause. */
  const parse = (name: string, text: string): unknown => {
    try {
      return JSON.parse(text);
    } catch (error) {
      const reason =
        text.trim() === ""
          ? 'Write JSON, for example {"text":"hello"}.'
          : `This is not JSON. ${(error as Error).message}.`;
      throw new Error(reason, { cause: name });
    }
  };

  /** The body of the request, from the fields that are not empty. @throws Error as `parse` does. */
  const readBody = (fields: FormData): unknown => {
    const textOf = (name: string): string => String(fields.get(name) ?? "").trim();
    const value = parse("data", String(fields.get("data")));
    if (kind === "batch") {
      if (Array.isArray(value)) return value;
      throw new Error('Write a list, for example [{"topic":"chat","data":1}].', { cause: "data" });
    }
    const previous = textOf("previous");
    return {
      ...(kind === "message" && { topic: textOf("topic"), data: value }),
      ...(kind === "record" && {
        collection: textOf("collection"),
        action: textOf("action"),
        record: value,
        ...(previous !== "" && { previous: parse("previous", previous) }),
      }),
      ...(textOf("id") !== "" && { id: textOf("id") }),
      ...(textOf("ttl") !== "" && { ttl: Number(textOf("ttl")) }),
      ...(fields.get("private") === "on" && { private: true }),
    };
  };

  const sdkFor = (body: { topic?: unknown; collection?: unknown }): string => {
    if (body.collection !== undefined) {
      return `await pb.collection(${JSON.stringify(body.collection)}).subscribe("*", (e) => console.log(e.action, e.record)); // receives it`;
    }
    return `${examples.subscribe(body.topic ?? "*")} // receives it`;
  };

  /** Shows the error of a field at its input. Returns whether there is such an input. */
  const showFieldError = ({ path, message }: FieldError): boolean => {
    const [first = "", ...rest] = path;
    if (kind === "batch") {
      const place = /^\d+$/.test(first) ? `Message ${Number(first) + 1}` : first;
      const line = [place, rest.join("."), message].filter((part) => part !== "").join(": ");
      const shown = find("#publish-data-error").textContent ?? "";
      showInputError("data", shown === "" ? line : `${shown} ${line}`);
      return true;
    }
    const name = first === "record" ? "data" : first;
    if (!INPUTS.includes(name)) return false;
    showInputError(name, rest.length > 0 ? `${rest.join(".")}: ${message}` : message);
    return true;
  };

  const showFailure = (error: unknown): void => {
    const { status, fields, message } = api.refusalOf(error);
    const shown = fields.map(showFieldError);
    if (fields.length > 0 && shown.every(Boolean)) {
      form.querySelector<HTMLElement>("[aria-invalid=true]")?.focus();
      return;
    }
    const isGuest = status === 401 && !api.hasKey();
    const hint =
      "Publishing needs the admin key, or a token with the right to publish. Enter a key above.";
    say("#answer", isGuest ? hint : message, true);
  };

  const showReceipt = (answer: unknown): void => {
    // A receipt (schema `Receipt` of the OpenAPI document) for one message, or a list of receipts for a list.
    const receipts = [answer].flat() as readonly { id: string; duplicate?: boolean }[];
    const duplicates = receipts.filter(({ duplicate }) => duplicate).length;
    const [first] = receipts;
    if (kind === "batch") {
      const known = duplicates > 0 ? `, ${duplicates} of them published before` : "";
      say("#answer", `Accepted: ${count(receipts.length, "message")}${known}`);
    } else if (duplicates > 0) {
      say("#answer", `Accepted before: ${first?.id}. The message is not delivered again.`);
    } else say("#answer", `Accepted: ${first?.id}`);
    onPublish();
  };

  form.addEventListener("change", ({ target }) => {
    if ((target as HTMLInputElement).name === "kind") showKind();
  });
  form.addEventListener("input", ({ target }) => {
    const { name } = target as HTMLInputElement;
    if (INPUTS.includes(name)) showInputError(name, "");
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    clearErrors();
    try {
      const body = readBody(new FormData(form));
      examples.show({ path: "/messages", body, sdk: sdkFor(body as object) });
      api.post("/messages", body).then(showReceipt, showFailure);
    } catch (error) {
      const { message, cause } = error as Error;
      showInputError(String(cause), message);
      find(`#publish [name=${String(cause)}]`).focus();
    }
  });
  showKind();
}
