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

  /** @param label What a screen reader reads in place of the text. It must contain the text. */
  const createButton = (text: string, label: string, onClick: () => void): HTMLElement => {
    const button = create("button", text);
    button.setAttribute("type", "button");
    button.setAttribute("aria-label", label);
    button.addEventListener("click", onClick);
    return button;
  };

  /** A time of day. A time of another day has its date as well. */
  const createTime = (milliseconds: number): HTMLElement => {
    const date = new Date(milliseconds);
    const isToday = date.toDateString() === new Date().toDateString();
    const clock = date.toLocaleTimeString("en-GB");
    const element = create("time", isToday ? clock : `${date.toLocaleDateString()} ${clock}`);
    element.setAttribute("datetime", date.toISOString());
    element.title = date.toISOString();
    return element;
  };

  /** Replaces the children of an element. A button that has the focus keeps it, if there is one with the same label again. */
  const replace = (parent: Element, children: readonly Element[]): void => {
    const focused = parent.contains(document.activeElement) ? document.activeElement : null;
    const label = focused?.getAttribute("aria-label") ?? "";
    const top = parent.scrollTop;
    parent.replaceChildren(...children);
    parent.scrollTop = top;
    if (focused === null || focused === parent || label === "") return;
    const labelled = [...parent.querySelectorAll<HTMLElement>("[aria-label]")];
    const same = labelled.find((element) => element.getAttribute("aria-label") === label);
    (same ?? parent.closest<HTMLElement>("[tabindex]"))?.focus();
  };

  const say = (selector: string, text: string, isError = false): void => {
    const line = find(selector);
    if (line.textContent !== text) line.textContent = text;
    line.classList.toggle("error", isError);
  };

  const count = (number: number, noun: string): string =>
    `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;

  /** JSON with line breaks. A text that is not JSON stays as it is. */
  const indent = (text: string): string => {
    try {
      return JSON.stringify(JSON.parse(text), null, 2);
    } catch {
      return text;
    }
  };

  /** Makes a button copy a text, and say so for a moment. */
  const bindCopy = (button: HTMLElement, text: () => string): void => {
    const label = button.textContent;
    button.addEventListener("click", () => {
      // `clipboard` is missing on a page without https that is not on localhost.
      const done = navigator.clipboard?.writeText(text()) ?? Promise.reject(new Error());
      done
        .then(
          () => "Copied",
          () => "Select the text to copy it",
        )
        .then((outcome) => {
          button.textContent = outcome;
          setTimeout(() => {
            button.textContent = label;
          }, 1500);
        });
    });
  };

  /** Asks the user to confirm an action that can't be undone. */
  const confirm = async (title: string, text: string, action: string): Promise<boolean> => {
    const dialog = find<HTMLDialogElement>("#confirm");
    find("#confirm-title").textContent = title;
    find("#confirm-text").textContent = text;
    find("#confirm-yes").textContent = action;
    dialog.returnValue = "";
    dialog.showModal();
    await new Promise((resolve) => dialog.addEventListener("close", resolve, { once: true }));
    return dialog.returnValue === "yes";
  };

  return {
    find,
    create,
    append,
    createButton,
    createTime,
    replace,
    say,
    count,
    indent,
    bindCopy,
    confirm,
  };
}
