/**
 * `pocketwire/records`: PocketBase's filters and `fields`, evaluated in memory. The functions need no server.
 *
 * @example
 * import { compileFilter, pickFields } from "pocketwire/records";
 *
 * const isOpen = compileFilter('status = "open"');
 * isOpen({ id: "1", status: "open" }); // true
 * pickFields("id,title")({ id: "1", title: "t", body: "b" }); // { id: "1", title: "t" }
 */
export { RealtimeError } from "./realtime/errors.ts";
export type {
  Collection,
  CollectionRules,
  FieldType,
  RecordData,
} from "./realtime/records/collection.ts";
export { FIELD_TYPES } from "./realtime/records/collection.ts";
export { compileFilter, type FilterContext, type FilterMode } from "./realtime/records/filter.ts";
export { pickFields } from "./realtime/records/pick-fields.ts";
