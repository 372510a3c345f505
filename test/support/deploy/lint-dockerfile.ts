/** Checks a Dockerfile: its syntax by `dockerfile-utils`, and the rules of hadolint that matter for a service. */
import { validate } from "dockerfile-utils";
import {
  healthCommand,
  type Instruction,
  jsonCommand,
  readDockerfile,
  type Stage,
} from "./dockerfile.ts";

/** A problem as `line: code message`. The codes are those of https://github.com/hadolint/hadolint. */
export function lintDockerfile(content: string, finalStages: readonly string[]): string[] {
  const syntax = validate(content, {}).map(
    ({ range, message }) => `${range.start.line + 1}: ${message}`,
  );
  const stages = readDockerfile(content);
  const found = stages.flatMap((stage, index) => {
    const earlier = stages.slice(0, index).map(({ name }) => name);
    return [...lintBase(stage, earlier), ...lintInstructions(stage, earlier)];
  });
  const final = stages.filter(({ name }) => finalStages.includes(name));
  return [...syntax, ...found, ...final.flatMap(lintFinalStage)];
}

function lintBase({ from, name, line }: Stage, earlier: readonly string[]): string[] {
  const found: string[] = [];
  if (earlier.includes(name)) found.push(`${line}: DL3024 the stage "${name}" exists already`);
  if (earlier.includes(from)) return found;
  // The version must include the patch number, so that a second build gives the same image.
  if (!/:\d+\.\d+\.\d+/.test(from)) found.push(`${line}: DL3006 ${from} has no exact version`);
  return found;
}

function lintInstructions({ instructions }: Stage, earlier: readonly string[]): string[] {
  return instructions.flatMap(({ keyword, words, text, flags, line }) => {
    const { from } = flags;
    const isRun = keyword === "RUN";
    const rules: readonly (readonly [isBroken: boolean, message: string])[] = [
      [keyword === "ADD", "DL3020 use COPY"],
      [keyword === "MAINTAINER", "DL4000 MAINTAINER is deprecated"],
      [keyword === "WORKDIR" && !/^\//.test(words[0] ?? ""), "DL3000 WORKDIR is not absolute"],
      [from !== undefined && !earlier.includes(from), `DL3022 there is no earlier stage "${from}"`],
      [isRun && /\bsudo\b/.test(text), "DL3004 do not use sudo"],
      [isRun && /(^|[^|])\|([^|]|$)/.test(text), "DL4006 a pipe hides a failure"],
      [isRun && /apt(-get)? install/.test(text), "DL3008 install no packages of the system"],
      [
        isRun && /\bnpm (ci|install)\b(?!.*--ignore-scripts)/s.test(text),
        "scripts of packages run",
      ],
    ];
    return rules.filter(([isBroken]) => isBroken).map(([, message]) => `${line}: ${message}`);
  });
}

function lintFinalStage({ name, line, instructions }: Stage): string[] {
  const found: string[] = [];
  const only = (keyword: string): Instruction | undefined => {
    const all = instructions.filter((one) => one.keyword === keyword);
    if (all.length !== 1) found.push(`${line}: stage ${name} has ${all.length} ${keyword}`);
    return all.at(-1);
  };
  const user = only("USER")?.words[0] ?? "";
  // Kubernetes can check `runAsNonRoot` only for a number.
  if (!/^[1-9]\d*(:[1-9]\d*)?$/.test(user)) found.push(`${line}: DL3002 USER ${user} is no number`);
  for (const keyword of ["ENTRYPOINT", "CMD"]) {
    const text = only(keyword)?.text ?? "";
    if (jsonCommand(text) === undefined) found.push(`${line}: DL3025 ${keyword} runs in a shell`);
  }
  const health = only("HEALTHCHECK");
  const command = health === undefined ? "" : healthCommand(health);
  if (jsonCommand(command) === undefined) found.push(`${line}: HEALTHCHECK runs in a shell`);
  for (const keyword of ["STOPSIGNAL", "EXPOSE"]) only(keyword);
  const { properties = {} } = only("LABEL") ?? {};
  for (const label of ["title", "description", "licenses"]) {
    const full = `org.opencontainers.image.${label}`;
    if (!properties[full]) found.push(`${line}: DL3048 the label ${full} is missing`);
  }
  return found;
}
