/** Builds a kustomization as far as the files of deploy/kubernetes use it: resources, namespace, images, configMapGenerator. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { ConfigMap, Container, PodSpec, Service } from "kubernetes-types/core/v1.js";
import { parse } from "yaml";

/** A resource of any kind. Its parts are checked with the types of `kubernetes-types` (check-types.ts). */
export interface Resource {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly data?: Readonly<Record<string, string>>;
}

interface Generator {
  readonly name: string;
  readonly behavior?: "merge";
  readonly literals: readonly string[];
}

interface ImageChange {
  readonly name: string;
  readonly newName: string;
  readonly newTag: string;
}

interface Kustomization {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace?: string;
  readonly resources?: readonly string[];
  readonly images?: readonly ImageChange[];
  readonly configMapGenerator?: readonly Generator[];
}

const KNOWN = ["apiVersion", "kind", "namespace", "resources", "images", "configMapGenerator"];

/** The resources of a folder with a kustomization.yaml. @throws for a field that this function does not know. */
export function buildKustomization(folder: string): Resource[] {
  const text = readFileSync(join(folder, "kustomization.yaml"), "utf8");
  const { resources = [], ...changes }: Kustomization = parse(text);
  const unknown = Object.keys(changes).filter((name) => !KNOWN.includes(name));
  if (unknown.length > 0) throw new Error(`${folder}: not known: ${unknown.join(", ")}`);
  const read = resources.flatMap((name) =>
    name.endsWith(".yaml")
      ? [parse(readFileSync(join(folder, name), "utf8")) as Resource]
      : buildKustomization(join(folder, name)),
  );
  const generated = (changes.configMapGenerator ?? []).reduce(addConfigMap, read);
  return generated.map((resource) =>
    setNamespace(setImages(resource, changes.images), changes.namespace),
  );
}

function addConfigMap(resources: Resource[], { name, behavior, literals }: Generator): Resource[] {
  const data = Object.fromEntries(
    literals.map((literal): [string, string] => {
      const [, key, value] = /^(\w+)=(.*)$/s.exec(literal) ?? [];
      if (key === undefined || value === undefined)
        throw new Error(`"${literal}" is no NAME=value`);
      return [key, value];
    }),
  );
  const isSame = ({ kind, metadata }: Resource) => kind === "ConfigMap" && metadata.name === name;
  const earlier = resources.find(isSame);
  if ((earlier === undefined) !== (behavior === undefined)) {
    throw new Error(
      `The ConfigMap ${name} can't be ${behavior === undefined ? "created" : "merged"}`,
    );
  }
  const made = { apiVersion: "v1", kind: "ConfigMap", metadata: { name } };
  const others = resources.filter((resource) => !isSame(resource));
  return [...others, { ...made, data: { ...earlier?.data, ...data } }];
}

function setImages(resource: Resource, images: readonly ImageChange[] = []): Resource {
  const pod = podOf(resource);
  if (pod === undefined) return resource;
  const containers = pod.containers.map((container) => {
    const change = images.find(({ name }) => name === container.image);
    return change === undefined
      ? container
      : { ...container, image: `${change.newName}:${change.newTag}` };
  });
  // The cast: a resource with a pod has a template.
  const template = resource.spec?.template as object;
  return {
    ...resource,
    spec: { ...resource.spec, template: { ...template, spec: { ...pod, containers } } },
  };
}

function setNamespace(resource: Resource, namespace: string | undefined): Resource {
  if (namespace === undefined || resource.kind === "Namespace") return resource;
  return { ...resource, metadata: { ...resource.metadata, namespace } };
}

/** The pod of a Deployment or StatefulSet. */
export function podOf({ kind, spec }: Resource): PodSpec | undefined {
  if (kind !== "Deployment" && kind !== "StatefulSet") return undefined;
  return (spec as { template: { spec: PodSpec } }).template.spec;
}

/** The only resource of a kind and a name. */
export function find<T = Resource>(resources: readonly Resource[], kind: string, name: string): T {
  const found = resources.filter((one) => one.kind === kind && one.metadata.name === name);
  if (found.length !== 1)
    throw new Error(`There are ${found.length} resources ${kind} ${name}, not one`);
  return found[0] as T;
}

/** The only container of a workload. */
export function containerOf(workload: Resource): Container {
  const containers = podOf(workload)?.containers ?? [];
  if (containers.length !== 1)
    throw new Error(`The workload has ${containers.length} containers, not one`);
  return containers[0] as Container;
}

export type { ConfigMap, Service };
