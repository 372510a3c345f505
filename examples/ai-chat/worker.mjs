// The chat on Cloudflare Workers: `cd examples/ai-chat && npx wrangler dev`. Each chat is stored in a Durable Object.
import { DurableObject } from "cloudflare:workers";
import { getRealtime, RealtimeHub } from "pocketwire/cloudflare";
import { createApp } from "./app.mjs";

export { RealtimeHub };

/** The messages of one chat. */
export class Chat extends DurableObject {
  load() {
    return this.ctx.storage.kv.get("messages") ?? [];
  }

  append(message) {
    const messages = [...this.load(), message].slice(-200);
    this.ctx.storage.kv.put("messages", messages);
    return messages;
  }
}

const app = createApp(({ env, executionCtx }) => {
  const chat = (id) => env.CHAT.get(env.CHAT.idFromName(id));
  return {
    realtime: getRealtime(env),
    chats: {
      load: (id) => chat(id).load(),
      append: (id, message) => chat(id).append(message),
    },
    tokenDelay: Number(env.TOKEN_DELAY),
    waitUntil: (promise) => executionCtx.waitUntil(promise),
  };
});
app.all("/api/realtime/*", (c) => getRealtime(c.env).app.fetch(c.req.raw, c.env, c.executionCtx));

export default app;
