import type { Dom } from "./dom.ts";

/** A chart of one line over the last minute, with its axes. */
export type Chart = ReturnType<typeof createChart>;

/** @param unit What the line counts, such as "messages per second". It is the title of the chart. */
export function createChart({ find, create, append }: Dom, title: string, unit: string) {
  const SECONDS = 60;
  const WIDTH = 300;
  const HEIGHT = 80;
  const SVG = "http://www.w3.org/2000/svg";
  /** The newest value is the last. Undefined: not known. */
  const values: (number | undefined)[] = new Array(SECONDS).fill(undefined);
  const figure = create("figure");
  const caption = create("figcaption");
  const now = create("span", "", "now");
  append(caption, create("strong", title), create("span", unit, "dim"), now);
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("role", "img");
  const scale = create("div", "", "scale");
  const [top, middle] = [create("span"), create("span")];
  append(scale, top, middle, create("span", "0"));
  const times = create("div", "", "times");
  append(times, create("span", "60 s ago"), create("span", "30 s"), create("span", "now"));
  append(figure, caption, scale, svg, times);
  append(find("#charts"), figure);

  /** The end of the axis: 2, 4, 10, 20, 40, 100 and so on, so that its half is a whole number. */
  const endOf = (max: number): number => {
    for (let power = 1; ; power *= 10) {
      const end = [2, 4, 10].find((step) => max <= step * power);
      if (end !== undefined) return end * power;
    }
  };

  const line = (name: string, attributes: Readonly<Record<string, string | number>>): Element => {
    const element = document.createElementNS(SVG, name);
    for (const [attribute, value] of Object.entries(attributes)) {
      element.setAttribute(attribute, String(value));
    }
    return element;
  };

  const draw = (): void => {
    const known = values.filter((value) => value !== undefined);
    const end = endOf(Math.max(1, ...known));
    const short = new Intl.NumberFormat("en", { notation: "compact" });
    top.textContent = short.format(end);
    middle.textContent = short.format(end / 2);
    const last = known.at(-1);
    now.textContent = last === undefined ? "–" : last.toLocaleString("en");
    const most = known.length === 0 ? "not known" : `now ${last}, at most ${Math.max(...known)}`;
    svg.setAttribute("aria-label", `${title}, ${unit}, in the last minute: ${most}`);
    const points = values.flatMap((value, second) =>
      value === undefined
        ? []
        : [`${(second * WIDTH) / (SECONDS - 1)},${HEIGHT - 1 - (value / end) * (HEIGHT - 2)}`],
    );
    const grid = [1, HEIGHT / 2, HEIGHT - 1].map((y) =>
      line("line", { x1: 0, x2: WIDTH, y1: y, y2: y }),
    );
    svg.replaceChildren(...grid, line("polyline", { points: points.join(" ") }));
  };

  draw();
  return {
    /** Adds the value of one more second. */
    push: (value: number | undefined): void => {
      values.push(value);
      values.shift();
      draw();
    },
  };
}
