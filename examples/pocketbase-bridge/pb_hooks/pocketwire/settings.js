/**
 * The settings, from the environment of PocketBase's process.
 *
 * @returns {{ url: string, key: string, collections: string[], isPrivate: boolean, maxQueue: number } | null} Null if
 *   POCKETWIRE_URL or REALTIME_ADMIN_KEY is missing. The hooks then do nothing.
 */
function read() {
  const url = $os.getenv("POCKETWIRE_URL").replace(/\/+$/, "");
  const key = $os.getenv("REALTIME_ADMIN_KEY");
  if (url === "" || key === "") return null;
  const maxQueue = Number($os.getenv("POCKETWIRE_MAX_QUEUE"));
  return {
    url,
    key,
    // Empty: all collections.
    collections: $os
      .getenv("POCKETWIRE_COLLECTIONS")
      .split(",")
      .map((name) => name.trim())
      .filter((name) => name !== ""),
    isPrivate: $os.getenv("POCKETWIRE_PRIVATE") === "true",
    maxQueue: maxQueue > 0 ? Math.floor(maxQueue) : 100000,
  };
}

module.exports = { read };
