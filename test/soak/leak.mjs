// Loaded into the service by SOAK_LEAK: keeps this number of bytes for each request for a stream. The soak must find this leak.
import { Server } from "node:http";

const bytes = Number(new URL(import.meta.url).searchParams.get("bytes"));
const kept = [];
const { emit } = Server.prototype;
Server.prototype.emit = function (event, ...rest) {
  if (
    event === "request" &&
    rest[0].method === "GET" &&
    /^\/api\/realtime(\?|$)/.test(rest[0].url)
  ) {
    // Each element of an array of small numbers takes 4 or 8 bytes.
    kept.push(new Array(Math.ceil(bytes / 8)).fill(1.5));
  }
  return emit.call(this, event, ...rest);
};
