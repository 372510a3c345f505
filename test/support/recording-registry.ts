import type { Message } from "../../src/realtime/types.ts";
import type { ClientRegistry } from "../../src/registry/registry.ts";

/** A registry without clients, which adds what is published to a list. `erase` says that it has removed seven messages. */
export function recordingRegistry(published: Message[]): ClientRegistry {
  const unexpectedCall = (): never => {
    throw new Error("No test asks this registry for this.");
  };
  return {
    publish: async (messages) => {
      published.push(...messages);
      return messages.map(({ id }) => ({ id, duplicate: false }));
    },
    erase: async () => 7,
    open: unexpectedCall,
    setSubscriptions: unexpectedCall,
    history: unexpectedCall,
    send: unexpectedCall,
    clients: unexpectedCall,
    client: unexpectedCall,
    topics: unexpectedCall,
    members: unexpectedCall,
    extendInfo: unexpectedCall,
    disconnect: unexpectedCall,
    revoke: unexpectedCall,
    stats: unexpectedCall,
    close: async () => {},
  };
}
