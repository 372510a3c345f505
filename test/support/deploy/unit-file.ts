/** Reads a unit file of systemd. */

/** The values of each key of a section, in order. A key may occur several times. */
export type Section = ReadonlyMap<string, readonly string[]>;

export function readUnit(text: string): ReadonlyMap<string, Section> {
  const sections = new Map<string, Map<string, string[]>>();
  let section: Map<string, string[]> | undefined;
  for (const line of text.split("\n")) {
    if (line === "" || line.startsWith("#")) continue;
    const [, title] = /^\[(\w+)\]$/.exec(line) ?? [];
    if (title !== undefined) {
      section = new Map();
      sections.set(title, section);
      continue;
    }
    const [, key, value] = /^(\w+)=(.*)$/.exec(line) ?? [];
    if (section === undefined || key === undefined || value === undefined) {
      throw new Error(`"${line}" is no setting of a section`);
    }
    section.set(key, [...(section.get(key) ?? []), value]);
  }
  return sections;
}

/** The last value of a key. @throws if the section does not have the key. */
export function settingOf(section: Section | undefined, key: string): string {
  const value = section?.get(key)?.at(-1);
  if (value === undefined) throw new Error(`The unit has no ${key}=`);
  return value;
}

/** The variables of all lines `Environment=`, without quotes. */
export function environmentOf(section: Section | undefined): Record<string, string> {
  const words = (section?.get("Environment") ?? []).flatMap((line) => line.split(" "));
  return Object.fromEntries(
    words.map((word): [string, string] => {
      const [, name, value] = /^(\w+)=([^"']*)$/.exec(word) ?? [];
      if (name === undefined || value === undefined) throw new Error(`"${word}" is no NAME=value`);
      return [name, value];
    }),
  );
}
