import type { Dom } from "./dom.ts";
import type { Store } from "./store.ts";

/** The steps of the first screen. A step that is done has a mark. */
export type Steps = ReturnType<typeof createSteps>;

export function createSteps({ find, create, append }: Dom, store: Store) {
  const hide = (): void => {
    find("#steps").hidden = true;
  };

  if (store.read("steps") === "hidden") hide();
  find("#hide-steps").addEventListener("click", () => {
    hide();
    store.write("steps", "hidden");
    find("#connect").focus();
  });

  return {
    done: (step: "subscribe" | "publish" | "resume"): void => {
      const item = find(`#step-${step}`);
      if (item.classList.contains("done")) return;
      item.classList.add("done");
      append(item, create("span", "done", "hidden"));
    },
  };
}
