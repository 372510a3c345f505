import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

/** The names that an entry exports, types included. The entries export by lists only. */
function exportedNames(entry: string): string[] {
  const text = readFileSync(new URL(`../../src/${entry}`, import.meta.url), "utf8");
  const lists = [...text.matchAll(/^export (?:type )?\{([^}]*)\}(?: from|;)/gm)];
  const names = lists.flatMap(([, list = ""]) => list.split(","));
  return names.map((name) => name.replace(/^\s*type\s/, "").trim()).filter((name) => name !== "");
}

describe("pocketwire", () => {
  it("exports these names, so that a change of the public API is one on purpose", () => {
    expect(exportedNames("index.ts").toSorted()).toEqual([
      "AccessRequest",
      "AuthSettings",
      "Authenticate",
      "Authorize",
      "CallbackOptions",
      "ClientInfo",
      "ClientRegistry",
      "CloseReason",
      "Collection",
      "CollectionInput",
      "CollectionRules",
      "Config",
      "ConnectHookEvent",
      "DisconnectHookEvent",
      "Environment",
      "FieldError",
      "FieldErrors",
      "FieldType",
      "HistoryLimits",
      "HookSubject",
      "Hooks",
      "Identity",
      "IntrospectionOptions",
      "LogFields",
      "LogLevel",
      "Logger",
      "LoggerOptions",
      "ManagerOptions",
      "ManagerStats",
      "Principal",
      "PublishHookEvent",
      "PublishInput",
      "PublishReceipt",
      "RealtimeError",
      "RealtimeErrorCode",
      "RealtimeManager",
      "RealtimeServer",
      "RecordAction",
      "RecordInput",
      "RequestLimits",
      "Revocation",
      "Runtime",
      "SSEMessage",
      "ServerOptions",
      "SubscribeHookEvent",
      "TokenAlgorithm",
      "TokenOptions",
      "TopicInfo",
      "TopicInput",
      "TopicRule",
      "createLogger",
      "createServer",
      "formatSSEComment",
      "formatSSEMessage",
      "readConfig",
    ]);
  });
});

describe.each(["node", "bun"])("pocketwire/%s", (runtime) => {
  it("exports what a program or an app on this runtime needs besides", () => {
    expect(exportedNames(`${runtime}.ts`).toSorted()).toEqual(
      [
        "DataLogOptions",
        "DataSync",
        "RedisOptions",
        "RedisParts",
        "RedisSettings",
        "RunningServer",
        "StartOptions",
        `${runtime}Runtime`,
        "openDataLog",
        "openRedis",
        "startServer",
      ].toSorted(),
    );
  });
});

describe("pocketwire/tracing", () => {
  it("exports the option of `createServer` that OpenTelemetry needs", () => {
    expect(exportedNames("tracing.ts").toSorted()).toEqual(["Tracing", "createTracing"]);
  });
});

describe("pocketwire/adapter", () => {
  it("exports what authors of registries and logs need besides", () => {
    expect(exportedNames("adapter.ts").toSorted()).toEqual([
      "ClientConnection",
      "ClientPage",
      "ClientRegistry",
      "ClientSnapshot",
      "ConnectRequest",
      "Cursor",
      "FrameSink",
      "HibernationSupport",
      "HistoryPage",
      "HistoryRequest",
      "InProcessOptions",
      "InfoRequest",
      "KeptLimits",
      "KeptStats",
      "LogEntry",
      "LogOptions",
      "LogReader",
      "LogStats",
      "MaybePromise",
      "MemberInfo",
      "MembersEvent",
      "MemoryLogOptions",
      "Message",
      "MessageLog",
      "OccupancyListener",
      "PageRequest",
      "PresenceChange",
      "PresenceOptions",
      "PresenceStore",
      "PresenceSupport",
      "RegistryStats",
      "ReplayProgress",
      "ReplayState",
      "StartPosition",
      "StreamOptions",
      "SubscribeRequest",
      "SubscriptionKey",
      "SubscriptionOptions",
      "TailListener",
      "TopicPage",
      "TopicReport",
      "TopicRules",
      "createInProcessRegistry",
      "createMemoryLog",
      "createMessage",
      "formatCursor",
      "hibernationOf",
      "newEpoch",
      "parseCursor",
      "parseSubscription",
      "presenceOf",
      "readHistory",
      "sequenceOf",
    ]);
  });

  it("exports no name that `pocketwire` exports, but the interface that an adapter implements", () => {
    const common = exportedNames("adapter.ts").filter((name) =>
      exportedNames("index.ts").includes(name),
    );
    expect(common).toEqual(["ClientRegistry"]);
  });
});
