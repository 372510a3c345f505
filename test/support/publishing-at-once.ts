import type { MessageLog } from "../../src/log/log.ts";
import type { ClientRegistry } from "../../src/registry/registry.ts";

/** A registry that resolves a publish when its log has the messages, which may be before clients receive them. */
export function publishingAtOnce(registry: ClientRegistry, log: MessageLog): ClientRegistry {
  return new Proxy(registry, {
    get(target, name) {
      if (name === "publish") {
        return async (...[messages]: Parameters<ClientRegistry["publish"]>) => log.append(messages);
      }
      const member: unknown = Reflect.get(target, name);
      return typeof member === "function" ? member.bind(target) : member;
    },
  });
}
