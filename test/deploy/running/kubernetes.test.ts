import { fileURLToPath } from "node:url";
import type { HorizontalPodAutoscaler } from "kubernetes-types/autoscaling/v2.js";
import type { Container as PodContainer, Probe } from "kubernetes-types/core/v1.js";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { call, publish } from "../../support/api.ts";
import { closeClients } from "../../support/clients.ts";
import { eventually } from "../../support/deadline.ts";
import { type Container, Network } from "../../support/deploy/containers.ts";
import {
  buildKustomization,
  type ConfigMap,
  containerOf,
  find,
  podOf,
  type Resource,
} from "../../support/deploy/kustomize.ts";
import { untilHealthy, untilListening, Workspace } from "../../support/deploy/running.ts";
import { openStream } from "../../support/sse-client.ts";

const folder = new URL("../../../deploy/kubernetes/overlays/example", import.meta.url);
const resources = buildKustomization(fileURLToPath(folder));
const deployment = find(resources, "Deployment", "pocketwire");
const statefulSet = find(resources, "StatefulSet", "redis");
const KEY = "key-of-the-kubernetes-test";

describe.skipIf(inject("built") === undefined)("deploy/kubernetes", () => {
  let workspace: Workspace;
  let network: Network;
  let redis: Container;
  const pods: Container[] = [];

  /** Starts the container of a workload with the user and the privileges of its pod. */
  function start(name: string, workload: Resource, env: Record<string, string>): Container {
    const { image = "", command, args, volumeMounts = [] } = containerOf(workload);
    const { runAsUser, runAsGroup } = podOf(workload)?.securityContext ?? {};
    const user = `${runAsUser}:${runAsGroup}`;
    const { root, env: ofImage, workdir, ...rest } = workspace.image(image.replace(/^.*\//, ""));
    const mounts = volumeMounts.map(({ name: volume, mountPath }) => ({
      source: workspace.makeFolder(`${name}-${volume}`, user),
      target: mountPath,
      isWritable: true,
    }));
    const words = [...(command ?? rest.entrypoint), ...(args ?? rest.command)];
    const process = { user, workdir, env: { ...ofImage, ...env }, command: words };
    return network.start(name, { root, usr: workspace.usr, mounts }, process);
  }

  /** The status of the answer to a probe. */
  async function probe(pod: Container, { httpGet }: Probe = {}): Promise<number> {
    const { ports = [] } = containerOf(deployment);
    const port = ports.find(({ name }) => name === httpGet?.port)?.containerPort;
    const { status } = await call(`http://${pod.address}:${port}`, httpGet?.path ?? "");
    return status;
  }

  const { startupProbe, livenessProbe, readinessProbe }: PodContainer = containerOf(deployment);
  const url = (pod: Container | undefined) => `http://${pod?.address}:8090`;

  beforeAll(async () => {
    workspace = new Workspace();
    network = new Network(["redis", "pod-1", "pod-2"], workspace.folder);
    redis = start("redis", statefulSet, {});
    await untilHealthy(redis, containerOf(statefulSet).readinessProbe?.exec?.command ?? []);
    // The Secret of docs/deploy.md.
    const secret = { REALTIME_ADMIN_KEY: KEY, REDIS_URL: "redis://redis:6379" };
    const env = { ...find<ConfigMap>(resources, "ConfigMap", "pocketwire").data, ...secret };
    for (const name of ["pod-1", "pod-2"]) pods.push(start(name, deployment, env));
    for (const pod of pods) {
      await untilListening(pod);
      expect(await probe(pod, startupProbe)).toBe(200);
    }
  });
  afterAll(async () => {
    closeClients();
    await network.stop();
    workspace.remove();
  });

  it("answers every probe", async () => {
    for (const pod of pods) {
      expect([await probe(pod, livenessProbe), await probe(pod, readinessProbe)]).toEqual([
        200, 200,
      ]);
    }
  });

  it("delivers a message of one pod to a client of another", async () => {
    const client = await openStream(url(pods[1]), {}, "?topic=chat");
    expect((await publish(url(pods[0]), { topic: "chat", data: 1 }, KEY)).status).toBe(200);
    await client.receive(1);
  });

  it("has the metric of the autoscaler, which Prometheus reads without a key", async () => {
    const { spec } = find<HorizontalPodAutoscaler>(
      resources,
      "HorizontalPodAutoscaler",
      "pocketwire",
    );
    const names = (spec?.metrics ?? []).flatMap(({ pods: metric }) => metric?.metric.name ?? []);
    expect(names).toHaveLength(1);
    const { status, body } = await call(url(pods[1]), "/metrics");
    expect(status).toBe(200);
    for (const name of names)
      expect(body).toMatch(new RegExp(`^# TYPE ${name} gauge\\n${name} 1$`, "m"));
  });

  it("drains a pod within its grace", async () => {
    const client = await openStream(url(pods[0]), {}, "?topic=chat");
    const { terminationGracePeriodSeconds = 0 } = podOf(deployment) ?? {};
    const pause = containerOf(deployment).lifecycle?.preStop?.sleep?.seconds ?? 0;
    expect(await pods[0]?.stop((terminationGracePeriodSeconds - pause) * 1000)).toBe(0);
    expect([await client.ended, client.retries.length]).toEqual(["end", 1]);
  });

  it("is alive but not ready while Redis is away", async () => {
    const grace = podOf(statefulSet)?.terminationGracePeriodSeconds ?? 0;
    expect(await redis.stop(grace * 1000)).toBe(0);
    const [, pod] = pods;
    if (pod === undefined) throw new Error("There is no second pod");
    const isAway = () => probe(pod, readinessProbe).then((status) => status === 503);
    await eventually(isAway, "the readiness probe fails");
    expect(await probe(pod, livenessProbe)).toBe(200);
  });
});
