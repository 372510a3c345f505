import type { CollectionRules } from "../../../src/realtime/records/collection.ts";

/** The rules of the service under test. A collection that no entry names has none. */
export const RULES: Readonly<Record<string, CollectionRules>> = {
  // One rule each.
  internal: { listRule: null, viewRule: null },
  public: { listRule: "", viewRule: "" },
  listed: { listRule: "" },
  viewed: { viewRule: "" },
  published: { id: "pbc_published", listRule: "published = true", viewRule: 'secretLink = "yes"' },
  // The requester.
  own: {
    listRule: "owner = @request.auth.id",
    viewRule: "owner = @request.auth.id || members.id ?= @request.auth.id",
    fields: { owner: "relation", members: "relation[]" },
  },
  journal: { listRule: "owner = @request.auth.id" },
  staff: {
    listRule: '@request.auth.role = "editor" && @request.auth.team = team',
    viewRule: '@request.auth.role != "banned"',
  },
  // The options of the subscription.
  rooms: {
    listRule: "@request.query.room = room",
    viewRule: '@request.headers.x_room_token = "open" || @request.query.room:isset = true',
  },
  realtime: { listRule: '@request.context = "realtime" && @request.method = "GET"' },
  // What readers do not see.
  files: {
    id: "pbc_files",
    hidden: ["path", "size"],
    listRule: "size < 100",
    viewRule: "size < 100",
  },
  users: {
    id: "pbc_users",
    type: "auth",
    hidden: ["pin"],
    listRule: "",
    viewRule: "",
    manageRule: '@request.auth.role = "manager"',
  },
  // A collection that moves out of reach.
  tasks: { listRule: "isPublic = true || assignee = @request.auth.id" },
};
