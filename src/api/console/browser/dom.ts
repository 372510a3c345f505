/** Elements of the page. */
export type Dom = ReturnType<typeof createDom>;

export function createDom() {
  /** @throws Error when the page has no such element. */
  const find = <T extends Element = HTMLElement>(selector: string): T => {
    const found = document.querySelector<T>(selector);
    if (found === null) throw new Error(`The page has no ${selector}`);
    return found;
  };

  const create = (name: string, text = "", className = ""): HTMLElement => {
    const element = document.createElement(name);
    element.textContent = text;
    if (className !== "") element.className = className;
    return element;
  };

  /** In place of `Element.append`: the types of Workers declare another `Element`, for HTMLRewriter. */
  const append = (parent: Element, ...children: readonly Element[]): void => {
    for (const child of children) parent.appendChild(child);
  };

  /** Shows the outcome of the last action below the form. */
  const showResult = (text: string, isError = false): void => {
    const line = find("#answer");
    line.textContent = text;
    line.className = isError ? "error" : "";
  };

  const showError = (error: unknown): void => showResult(String(error), true);

  return { find, create, append, showResult, showError };
}
