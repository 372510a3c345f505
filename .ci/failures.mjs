// The failed tests of a report of Vitest (JSON) or of Bun (JUnit XML), as text to print.
import { relative } from "node:path";
import { stripVTControlCharacters } from "node:util";

/** One report may name so many tests, so that a crash with a thousand failures hides no other report. */
const MOST_FAILURES = 30;
const MOST_LINES = 12;
const MOST_CHARACTERS = 300;

/** Returns one text for each failed test in `text`: the report's name, the test's file and full name, and its first error's lines. */
export function failuresOf(report, text) {
  const failures = report.endsWith(".xml") ? inJUnit(text) : inVitest(JSON.parse(text));
  const texts = failures.slice(0, MOST_FAILURES).map((one) => textOf(report, one));
  const left = failures.length - texts.length;
  if (left > 0) texts.push(`FAILED in ${report}: ${left} more`);
  return texts;
}

function inVitest({ testResults = [] }) {
  return testResults.flatMap(({ name, status, message, assertionResults }) => {
    const file = name === undefined ? undefined : relative(process.cwd(), name);
    const failed = assertionResults.filter((test) => test.status === "failed");
    // A file that cannot be loaded, or a hook that failed, has no failed test.
    if (failed.length === 0 && status === "failed") return [{ file, message }];
    return failed.map((test) => ({
      file,
      title: test.fullName.trim(),
      message: test.failureMessages[0] ?? "",
    }));
  });
}

function inJUnit(xml) {
  // A test case that passed closes itself.
  const cases = xml.matchAll(/<testcase\b([^>]*[^>/])>(.*?)<\/testcase>/gs);
  return [...cases].flatMap(([, attributes, content]) => {
    const [, its, text] =
      /<(?:failure|error)\b([^>]*?)(?:\/>|>(.*?)<\/(?:failure|error)>)/s.exec(content) ?? [];
    if (its === undefined) return [];
    const title = `${attribute(attributes, "classname")} ${attribute(attributes, "name")}`.trim();
    const message = text === undefined ? attribute(its, "message") : decoded(text);
    return [{ file: attribute(attributes, "file"), title, message }];
  });
}

function attribute(attributes, name) {
  return decoded(new RegExp(`\\b${name}="([^"]*)"`).exec(attributes)?.[1] ?? "");
}

function decoded(text) {
  const names = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" };
  return text.replace(/&(?:#(\d+)|(\w+));/g, (entity, code, name) =>
    code === undefined ? (names[name] ?? entity) : String.fromCodePoint(Number(code)),
  );
}

function textOf(report, { file, title, message }) {
  const lines = stripVTControlCharacters(message).trim().split("\n");
  const ours = lines.filter((line) => !/^\s+at .*(?:node_modules|node:|<anonymous>)/.test(line));
  const shown = ours.slice(0, MOST_LINES).map((line) => `    ${line.slice(0, MOST_CHARACTERS)}`);
  const where = [file, title].filter(Boolean).join(": ");
  return [`FAILED in ${report}: ${where}`, ...shown].join("\n");
}
