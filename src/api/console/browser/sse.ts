/** A block of a stream of Server-Sent Events: an event, or only comments and `retry:`. */
export interface StreamBlock {
  /** The field `event`. "message" if the block has none. */
  readonly type: string;
  /** Undefined if the block has no field `data`: it is not an event. */
  readonly data?: string;
  readonly id?: string;
  /** Milliseconds. */
  readonly retry?: number;
  readonly comment?: string;
}

/**
 * Creates a parser of the event stream format (WHATWG HTML, "9.2.6 Interpreting an event stream"). An `EventSource` hides
 * `retry:`, comments, and the reason for a refusal.
 *
 * @returns A function that takes the next piece of the text and returns the blocks that end in it.
 */
export function createStreamParser(): (text: string) => StreamBlock[] {
  let rest = "";
  let isStart = true;
  let data: string[] = [];
  let comments: string[] = [];
  let fields: { type?: string; id?: string; retry?: number } = {};

  const endBlock = (): StreamBlock | undefined => {
    const block = {
      ...fields,
      type: fields.type || "message",
      ...(data.length > 0 && { data: data.join("\n") }),
      ...(comments.length > 0 && { comment: comments.join("\n") }),
    };
    const isEmpty = data.length + comments.length + Object.keys(fields).length === 0;
    data = [];
    comments = [];
    fields = {};
    return isEmpty ? undefined : block;
  };

  const readLine = (line: string): void => {
    const colon = line.indexOf(":");
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (name === "") comments.push(value);
    else if (name === "data") data.push(value);
    else if (name === "event") fields.type = value;
    else if (name === "id" && !value.includes("\0")) fields.id = value;
    else if (name === "retry" && /^\d+$/.test(value)) fields.retry = Number(value);
  };

  return (text) => {
    if (isStart && text !== "") {
      rest = text.replace(/^\uFEFF/, "");
      isStart = false;
    } else rest += text;
    const blocks: StreamBlock[] = [];
    // A CR at the end may be the first half of CR LF.
    for (let end = /\r\n|\n|\r(?!$)/.exec(rest); end !== null; end = /\r\n|\n|\r(?!$)/.exec(rest)) {
      const line = rest.slice(0, end.index);
      rest = rest.slice(end.index + end[0].length);
      const block = line === "" ? endBlock() : undefined;
      if (line !== "") readLine(line);
      if (block !== undefined) blocks.push(block);
    }
    return blocks;
  };
}
