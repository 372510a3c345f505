/** Reads a Dockerfile into stages of instructions. */
import { DockerfileParser, ModifiableInstruction, PropertyInstruction } from "dockerfile-ast";

export interface Instruction {
  readonly keyword: string;
  /** Such as `from` of `COPY --from=build`. */
  readonly flags: Readonly<Record<string, string>>;
  readonly words: readonly string[];
  /** The text after the flags, with line continuations. */
  readonly text: string;
  /** Names and values of ENV and LABEL. */
  readonly properties: Readonly<Record<string, string>>;
  readonly line: number;
}

export interface Stage {
  /** The base image, or the name of an earlier stage. */
  readonly from: string;
  readonly name: string;
  readonly line: number;
  readonly instructions: readonly Instruction[];
}

/** The stages of a Dockerfile, in order. Instructions before the first FROM are not supported. */
export function readDockerfile(content: string): Stage[] {
  const stages: (Stage & { instructions: Instruction[] })[] = [];
  for (const parsed of DockerfileParser.parse(content).getInstructions()) {
    const keyword = parsed.getKeyword();
    const words = parsed.getArguments().map((argument) => argument.getValue());
    const line = parsed.getRange().start.line + 1;
    if (keyword === "FROM") {
      const [from = "", as, name = String(stages.length)] = words;
      if (as !== undefined && as !== "AS") throw new Error(`Line ${line}: "${as}" is not AS`);
      stages.push({ from, name, line, instructions: [] });
      continue;
    }
    const flags = parsed instanceof ModifiableInstruction ? parsed.getFlags() : [];
    const properties = parsed instanceof PropertyInstruction ? parsed.getProperties() : [];
    const stage = stages.at(-1);
    if (stage === undefined) throw new Error(`Line ${line}: ${keyword} before the first FROM`);
    stage.instructions.push({
      keyword,
      flags: Object.fromEntries(flags.map((flag) => [flag.getName(), flag.getValue() ?? ""])),
      words,
      text: parsed.getRawArgumentsContent() ?? "",
      properties: Object.fromEntries(
        properties.map((one) => [one.getName(), one.getValue() ?? ""]),
      ),
      line,
    });
  }
  return stages;
}

/** The words of a command in the form of a JSON list. Undefined for a command of the shell. */
export function jsonCommand(text: string): string[] | undefined {
  try {
    const words: unknown = JSON.parse(text);
    const isList = Array.isArray(words) && words.every((word) => typeof word === "string");
    return isList ? words : undefined;
  } catch {
    return undefined;
  }
}

/** The text of a HEALTHCHECK's command. */
export function healthCommand({ text }: Instruction): string {
  return /CMD\s+(.*)$/s.exec(text)?.[1] ?? "";
}
