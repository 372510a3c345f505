import type { Dom } from "../dom.ts";

/** Shows texts of the document. */
export type Markdown = ReturnType<typeof createMarkdown>;

/**
 * Makes elements of the Markdown that the document uses: paragraphs, lists with `-`, `code`, **strong**, *emphasis* and links. Every
 * other character is text: the result has no HTML of the document.
 */
export function createMarkdown({ create, append }: Pick<Dom, "create" | "append">) {
  const INLINE = /`([^`]+)`|\*\*([^*]+)\*\*|\*([^*]+)\*|\[([^\]]+)\]\(([^)\s]+)\)/g;

  const link = (text: string, address: string): HTMLElement => {
    const element = create("a", text);
    // No other scheme: `javascript:` would run code.
    if (/^(https?:\/\/|#|\.{0,2}\/)/.test(address)) element.setAttribute("href", address);
    return element;
  };

  /** Adds a text to an element. */
  const inline = (parent: HTMLElement, text: string): HTMLElement => {
    let end = 0;
    for (const match of text.matchAll(INLINE)) {
      const [whole, code, strong, emphasis, label = "", address = ""] = match;
      const element =
        code !== undefined
          ? create("code", code)
          : strong !== undefined
            ? create("strong", strong)
            : emphasis !== undefined
              ? create("em", emphasis)
              : link(label, address);
      parent.appendChild(document.createTextNode(text.slice(end, match.index)));
      append(parent, element);
      end = match.index + whole.length;
    }
    parent.appendChild(document.createTextNode(text.slice(end)));
    return parent;
  };

  /** Makes the paragraphs and lists of a text. */
  const blocks = (text: string): HTMLElement[] =>
    text.split(/\n{2,}/).map((block) => {
      const lines = block.split("\n");
      if (!lines.every((line) => line.startsWith("- "))) return inline(create("p"), block);
      const list = create("ul");
      for (const line of lines) append(list, inline(create("li"), line.slice(2)));
      return list;
    });

  return { inline, blocks };
}
