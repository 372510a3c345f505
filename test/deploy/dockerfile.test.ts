import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { jsonCommand, readDockerfile } from "../support/deploy/dockerfile.ts";
import { lintDockerfile } from "../support/deploy/lint-dockerfile.ts";

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");

describe("Dockerfile", () => {
  const content = read("Dockerfile");
  const stages = readDockerfile(content);

  it("breaks no rule", () => {
    expect(lintDockerfile(content, ["node", "bun"])).toEqual([]);
  });

  it("builds the image for Node without --target, because its stage is the last one", () => {
    expect(stages.at(-1)?.name).toBe("node");
  });

  it("uses the versions of Node and Bun that CI tests", () => {
    const version = (script: string, pattern: RegExp) =>
      pattern.exec(read(`scripts/${script}.mjs`))?.[1];
    const node = version("node-versions", /22: "(.*?)"/);
    const bun = version("bun", /VERSION = "(.*)"/);
    const used = (image: string) =>
      stages.map(({ from }) => from).filter((from) => from.startsWith(image));
    expect(new Set(used("node:"))).toEqual(new Set([`node:${node}-bookworm-slim`]));
    expect(used("oven/bun:")).toEqual([`oven/bun:${bun}-slim`]);
  });

  it("copies sources after the packages, so that a change of the sources keeps the layer of the packages", () => {
    const build = stages.find(({ name }) => name === "build")?.instructions ?? [];
    const index = (text: RegExp) =>
      build.findIndex((one) => text.test(`${one.keyword} ${one.text}`));
    expect(index(/^RUN npm ci/)).toBeGreaterThanOrEqual(0);
    expect(index(/^COPY src/)).toBeGreaterThan(index(/^RUN npm ci/));
  });
});

describe("lintDockerfile", () => {
  const GOOD = read("Dockerfile");
  const lint = (text: string) => lintDockerfile(text, ["node"]);

  it.each([
    ["no exact version", "FROM node:22.23.3-bookworm-slim AS node", "FROM node:22 AS node"],
    ["exists already", "AS packages", "AS manifest"],
    ["DL3020", "COPY src src", "ADD src src"],
    ["DL3000", "WORKDIR /app", "WORKDIR app"],
    ["DL3022", "--from=build", "--from=bulid"],
    ["DL3004", "RUN npm run build", "RUN sudo npm run build"],
    ["DL4006", "RUN npm run build &&", "RUN npm run build |"],
    ["DL3008", "RUN npm run build &&", "RUN apt-get install curl &&"],
    ["scripts of packages run", "npm ci --ignore-scripts", "npm ci"],
    ["DL3002", "USER 1000:1000", "USER node"],
    ["DL3002", "USER 1000:1000", "USER 0"],
    ["DL3025 CMD", 'CMD ["dist/node.js"]', "CMD dist/node.js"],
    ["DL3025 ENTRYPOINT", 'ENTRYPOINT ["node"]', "ENTRYPOINT node"],
    ["HEALTHCHECK runs in a shell", /CMD \["(node|bun)", "-e".*\]/g, "CMD curl -f localhost"],
    ["0 STOPSIGNAL", /^STOPSIGNAL.*\n/gm, ""],
    ["0 EXPOSE", /^EXPOSE.*\n/gm, ""],
    ["DL3048", "image.licenses", "image.license"],
    ["Unknown instruction", "STOPSIGNAL", "STOPSINGAL"],
  ])("reports %s", (message, what, by) => {
    const changed = GOOD.replaceAll(what, by);
    expect(changed).not.toBe(GOOD);
    expect(lint(changed).join("\n")).toContain(message);
  });
});

describe("jsonCommand", () => {
  it.each(["node x", '"node"', "[1]", "['node']"])("refuses %s", (text) => {
    expect(jsonCommand(text)).toBeUndefined();
  });
});
