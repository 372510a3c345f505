// A row of the table of goals.
import { median, ratios, spread, values } from "./statistics.mjs";

/** @param results The results of the goal's group, by case. */
export function goalRow(goal, results) {
  const { title, field, unit, divisor = 1, most, least } = goal;
  const runs = results.get(goal.case) ?? [];
  const figures = values(runs, field).map((value) => value / divisor);
  const compared = goal.base === undefined ? [] : ratios(runs, results.get(goal.base), field);
  const limited = goal.base === undefined ? figures : compared;
  const limit = most === undefined && least === undefined ? "" : limitText(most, least);
  return [
    title,
    figures.length === 0 ? "" : `${spread(figures, figureText)} ${unit}`,
    spread(compared),
    limit,
    limited.length === 0 ? "not measured" : verdict(median(limited), most, least),
  ];
}

function limitText(most, least) {
  return most === undefined ? `at least ${least}` : `at most ${most}`;
}

function verdict(value, most, least) {
  if (most === undefined && least === undefined) return "";
  const excess = most === undefined ? 1 - value / least : value / most - 1;
  return excess <= 0 ? "met" : `missed by ${Math.ceil(excess * 100)} %`;
}

/** Three significant digits, or all digits of a whole number. */
function figureText(value) {
  return value < 100 ? value.toPrecision(3) : Math.round(value).toLocaleString("en");
}
