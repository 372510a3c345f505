// What must agree before a release: the version, the CHANGELOG and git.

/**
 * Compares the places that name the version.
 *
 * @param facts.version The version in package.json.
 * @param facts.lockVersions The versions of the package in package-lock.json.
 * @param facts.sourceVersion The version in src/realtime/version.ts.
 * @param facts.changelog The text of CHANGELOG.md.
 * @param facts.tags The tags of the commit that is checked out.
 * @param facts.changed The files that differ from this commit, as `git status --porcelain` lists them.
 * @returns `errors`, which are faults of any commit, and `unready`, which are faults of the commit of a release only.
 */
export function checkAgreement(facts) {
  const { version, lockVersions, sourceVersion, changelog, tags, changed } = facts;
  const errors = [];
  const unready = [];
  if (sourceVersion !== version) {
    errors.push(
      `src/realtime/version.ts has version ${sourceVersion} and package.json has ${version}. Run "node scripts/version.mjs".`,
    );
  }
  if (lockVersions.some((one) => one !== version)) {
    errors.push(
      `package-lock.json has version ${lockVersions.join(" and ")} and package.json has ${version}. Run "npm install --package-lock-only".`,
    );
  }
  const sections = readSections(changelog);
  const own = sections.find(({ name }) => name === version);
  if (own === undefined) {
    unready.push(`CHANGELOG.md has no section "## ${version} - YYYY-MM-DD".`);
  } else if (!/^\d{4}-\d{2}-\d{2}$/.test(own.date)) {
    errors.push(`CHANGELOG.md: the date of the section "## ${version}" must be YYYY-MM-DD.`);
  }
  if (sections.some(({ name, text }) => name === "Unreleased" && text !== "")) {
    unready.push(
      `CHANGELOG.md has lines under "Unreleased". Move them to a section of the new version.`,
    );
  }
  if (!tags.includes(`v${version}`)) {
    unready.push(`The commit has no tag v${version}. Run "npm version", which adds it.`);
  }
  if (changed.length > 0) {
    unready.push(`${changed.length} files are not committed: ${changed.slice(0, 5).join(", ")}`);
  }
  return { errors, unready };
}

/** The sections of the second level: `## NAME - DATE`. */
function readSections(changelog) {
  return changelog
    .split(/^## /m)
    .slice(1)
    .map((section) => {
      const [title, ...lines] = section.split("\n");
      const [name, date = ""] = title.split(" - ");
      return { name: name.trim(), date: date.trim(), text: lines.join("\n").trim() };
    });
}
