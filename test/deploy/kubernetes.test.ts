import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Deployment } from "kubernetes-types/apps/v1.js";
import type { HorizontalPodAutoscaler } from "kubernetes-types/autoscaling/v2.js";
import type { Probe } from "kubernetes-types/core/v1.js";
import type { Ingress, NetworkPolicy } from "kubernetes-types/networking/v1.js";
import type { PodDisruptionBudget } from "kubernetes-types/policy/v1.js";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { readConfig, VARIABLES } from "../../src/config/config.ts";
import { checkTypes } from "../support/deploy/check-types.ts";
import {
  buildKustomization,
  type ConfigMap,
  containerOf,
  find,
  podOf,
  type Resource,
  type Service,
} from "../support/deploy/kustomize.ts";

const folder = fileURLToPath(new URL("../../deploy/kubernetes", import.meta.url));
const resources = buildKustomization(join(folder, "overlays/example"));
const workloads = resources.filter((resource) => podOf(resource) !== undefined);
const deployment = find<Deployment & Resource>(resources, "Deployment", "pocketwire");
const container = containerOf(deployment);
const data = find<ConfigMap>(resources, "ConfigMap", "pocketwire").data ?? {};
const ofKind = <T>(kind: string) =>
  resources.filter((one) => one.kind === kind) as (T & Resource)[];

type Labels = Readonly<Record<string, string>>;
const labelsOf = ({ spec }: Resource) =>
  (spec as { template: { metadata: { labels: Labels } } }).template.metadata.labels;

/** The names of the workloads that a selector selects. */
function selected(labels: Labels | undefined): string[] {
  const wanted = Object.entries(labels ?? {});
  if (wanted.length === 0) throw new Error("The selector is empty");
  const fits = (has: Labels) => wanted.every(([name, value]) => has[name] === value);
  return workloads.filter((one) => fits(labelsOf(one))).map(({ metadata }) => metadata.name);
}

describe("deploy/kubernetes", () => {
  it("names every file in a kustomization, and only files that exist", () => {
    const files = readdirSync(folder, { recursive: true, encoding: "utf8" });
    const isKustomization = (name: string) => name.endsWith("kustomization.yaml");
    const named = files.filter(isKustomization).flatMap((name) => {
      const { resources: list }: { resources: string[] } = parse(
        readFileSync(join(folder, name), "utf8"),
      );
      return list.filter((one) => one.endsWith(".yaml")).map((one) => join(dirname(name), one));
    });
    const present = files.filter((name) => name.endsWith(".yaml") && !isKustomization(name));
    expect(named.toSorted()).toEqual(present.toSorted());
  });

  it("has the types of Kubernetes", () => {
    expect(resources).toHaveLength(11);
    expect(checkTypes(resources)).toEqual([]);
  });

  it("is in the namespace that it creates, and contains no secret", () => {
    const [namespace] = ofKind("Namespace");
    const others = resources.filter(({ kind }) => kind !== "Namespace");
    for (const { metadata } of others) expect(metadata.namespace).toBe(namespace?.metadata.name);
    expect(ofKind("Secret")).toEqual([]);
    expect(Object.keys(data).filter((name) => /KEY|SECRET|URL/.test(name))).toEqual([]);
  });

  it("selects the pods that it means", () => {
    for (const workload of workloads) {
      const { selector } = workload.spec as { selector: { matchLabels: Labels } };
      expect(selected(selector.matchLabels)).toEqual([workload.metadata.name]);
    }
    for (const { metadata, spec } of ofKind<Service>("Service")) {
      expect(selected(spec?.selector)).toEqual([metadata.name]);
    }
    for (const { metadata, spec } of ofKind<PodDisruptionBudget>("PodDisruptionBudget")) {
      expect(selected(spec?.selector?.matchLabels)).toEqual([metadata.name]);
    }
    for (const { metadata, spec } of ofKind<NetworkPolicy>("NetworkPolicy")) {
      expect(selected(spec?.podSelector.matchLabels)).toEqual([metadata.name]);
    }
    const { topologySpreadConstraints = [] } = podOf(deployment) ?? {};
    for (const { labelSelector } of topologySpreadConstraints) {
      expect(selected(labelSelector?.matchLabels)).toEqual(["pocketwire"]);
    }
    const [from] = find<NetworkPolicy>(resources, "NetworkPolicy", "redis").spec?.ingress ?? [];
    const clients = from?.from?.map(({ podSelector }) => selected(podSelector?.matchLabels));
    expect(clients).toEqual([["pocketwire"]]);
  });

  it("names ports, services, settings and workloads that exist", () => {
    const portsOf = (workload: Resource) => containerOf(workload).ports?.map(({ name }) => name);
    for (const workload of workloads) {
      const { metadata } = workload;
      const { ports } = find<Service>(resources, "Service", metadata.name).spec ?? {};
      expect(ports?.map(({ targetPort }) => targetPort)).toEqual(portsOf(workload));
      const policy = find<NetworkPolicy>(resources, "NetworkPolicy", metadata.name).spec?.ingress;
      expect(policy?.flatMap(({ ports: allowed }) => allowed?.map(({ port }) => port))).toEqual(
        portsOf(workload),
      );
      const { startupProbe, livenessProbe, readinessProbe } = containerOf(workload);
      for (const probe of [startupProbe, livenessProbe, readinessProbe]) {
        const { httpGet, tcpSocket, exec } = probe as Probe;
        const port = httpGet?.port ?? tcpSocket?.port;
        if (exec === undefined) expect(portsOf(workload)).toContain(port);
      }
    }
    const [rule] = find<Ingress>(resources, "Ingress", "pocketwire").spec?.rules ?? [];
    for (const { backend } of rule?.http?.paths ?? []) {
      const { name = "", port } = backend.service ?? {};
      const { ports } = find<Service>(resources, "Service", name).spec ?? {};
      expect(ports?.map((one) => one.name)).toContain(port?.name);
    }
    const scaler = find<HorizontalPodAutoscaler>(
      resources,
      "HorizontalPodAutoscaler",
      "pocketwire",
    );
    const { kind = "", name = "" } = scaler.spec?.scaleTargetRef ?? {};
    expect(find(resources, kind, name)).toBe(deployment);
    const sources = container.envFrom?.map(
      ({ configMapRef, secretRef }) => configMapRef ?? secretRef,
    );
    expect(sources).toEqual([{ name: "pocketwire" }, { name: "pocketwire" }]);
  });

  it("sets variables that exist, to values that the service accepts", () => {
    expect(Object.keys(data).filter((name) => !VARIABLES.includes(name))).toEqual([]);
    expect(readConfig(data).trustedProxyHeader).toBe("X-Real-IP");
  });

  it("opens the metrics, and trusts a header, only together with a network policy", () => {
    const base = buildKustomization(join(folder, "base"));
    expect(base.filter(({ kind }) => kind === "NetworkPolicy")).toEqual([]);
    const settings = readConfig(find<ConfigMap>(base, "ConfigMap", "pocketwire").data ?? {});
    expect([settings.metrics, settings.trustedProxyHeader]).toEqual(["admin", undefined]);
    expect([readConfig(data).metrics, readConfig(data).trustedProxyHeader]).toEqual([
      "open",
      "X-Real-IP",
    ]);
    expect(find(resources, "NetworkPolicy", "pocketwire")).toBeDefined();
  });

  it("lets Redis refuse messages before Kubernetes kills it for its memory", () => {
    const { args = [], resources: limits } = containerOf(find(resources, "StatefulSet", "redis"));
    const most = /^(\d+)mb$/.exec(args[args.indexOf("--maxmemory") + 1] ?? "")?.[1];
    expect(limits?.limits?.memory).toBe("1Gi");
    expect(Number(most)).toBeGreaterThan(0);
    expect(Number(most)).toBeLessThanOrEqual(0.75 * 1024);
  });

  it("gives the service time for preStop and for its drain", () => {
    const seconds = podOf(deployment)?.terminationGracePeriodSeconds ?? 0;
    const pause = container.lifecycle?.preStop?.sleep?.seconds ?? 0;
    expect(pause).toBeGreaterThan(0);
    expect(seconds).toBeGreaterThanOrEqual(pause + Number(data.REALTIME_DRAIN_SECONDS) + 5);
  });

  it("fits the restricted profile of the Pod Security Standards", () => {
    for (const workload of workloads) {
      const { securityContext: pod, ...spec } = podOf(workload) ?? { containers: [] };
      expect(pod).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } });
      expect(pod?.runAsUser).toBeGreaterThan(0);
      for (const { securityContext } of spec.containers) {
        expect(securityContext).toEqual({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ["ALL"] },
        });
      }
      const { hostNetwork, hostPID, hostIPC, volumes = [] } = spec;
      expect([hostNetwork, hostPID, hostIPC, ...volumes]).toEqual([
        undefined,
        undefined,
        undefined,
      ]);
    }
  });

  it("has amounts that Kubernetes can read", () => {
    const amounts = workloads.flatMap((workload) => {
      const { limits = {}, requests = {} } = containerOf(workload).resources ?? {};
      return [...Object.values(limits), ...Object.values(requests)];
    });
    expect(amounts.length).toBeGreaterThan(4);
    for (const amount of amounts) expect(amount).toMatch(/^\d+(m|Ki|Mi|Gi)?$/);
  });
});

describe("checkTypes", () => {
  const [service] = ofKind<Service>("Service");
  const change = (spec: object) => checkTypes([{ ...service, spec } as Resource]).join("\n");

  it.each([
    [
      "an unknown field",
      { ports: [{ port: 80, targetProt: "http" }] },
      `'"targetProt"' does not exist`,
    ],
    ["a missing field", { ports: [{ name: "http" }] }, "'port' is missing"],
    ["a wrong type", { ports: [{ port: "80" }] }, "'string' is not assignable to type 'number'"],
  ])("finds %s", (_, spec, message) => {
    expect(change(spec)).toContain(message);
  });

  it("finds a kind of another version", () => {
    const wrong = { ...service, apiVersion: "apps/v1" } as Resource;
    expect(checkTypes([wrong]).join("\n")).toContain("no exported member");
  });
});
