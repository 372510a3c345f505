/** Splits the reports of a process into calls of bounded size. */
import type { PresencePart } from "../../log/shared-presence.ts";
import type { TopicReport } from "../../realtime/presence/presence.ts";

/** Maximum number of members in one part, and their maximum length as JSON. A single member may exceed it. */
const PART: Size = { items: 200, length: 65_536 };

/** Maximum of one call. */
const CALL: Size = { items: 1000, length: 262_144 };

/** A removal examines up to 500 members. */
const REMOVAL_ITEMS = 50;

interface Size {
  readonly items: number;
  readonly length: number;
}

/** What a report needs besides its changes. */
export interface ReportSettings {
  /** Whether the topic has presence. Otherwise only its occupancy is reported. */
  readonly hasPresence: boolean;
  /** Number of the next call. */
  readonly nextCall: number;
  readonly message: PresencePart["message"];
}

/** Splits a report. Only the last part vacates the topic, and only the last part removes members that a complete report lacks. */
export function toParts(report: TopicReport, settings: ReportSettings): PresencePart[] {
  const { topic, isOccupied, guests, present, left, isComplete } = report;
  const { message, nextCall } = settings;
  if (!settings.hasPresence) {
    return [{ topic, isOccupied, guests: 0, present: [], left: [], message }];
  }
  const members = [
    ...left.map((id) => ({ left: id })),
    ...present.map((member) => ({ present: member })),
  ];
  const parts = split(members).map((items): PresencePart => {
    const some = {
      present: items.flatMap((item) => ("present" in item ? [item.present] : [])),
      left: items.flatMap((item) => ("left" in item ? [item.left] : [])),
    };
    return { topic, isOccupied: true, guests, ...some, message };
  });
  const last = {
    ...(parts.pop() ?? { topic, guests, present: [], left: [], message }),
    isOccupied,
  };
  const removal = isComplete ? { before: nextCall, cursor: "0" } : undefined;
  return [...parts, { ...last, removal }];
}

/** Removes the parts of the next call from a list. */
export function takeParts(parts: PresencePart[]): PresencePart[] {
  let items = 0;
  let length = 0;
  const end = parts.findIndex((part, index) => {
    items += 1 + part.present.length + part.left.length;
    if (part.removal !== undefined) items += REMOVAL_ITEMS;
    length += JSON.stringify(part).length;
    return index > 0 && (items > CALL.items || length > CALL.length);
  });
  return parts.splice(0, end === -1 ? parts.length : end);
}

/** Returns the part that continues a removal. */
export function continueRemoval(part: PresencePart, cursor: string | undefined): PresencePart[] {
  const { removal } = part;
  if (removal === undefined || cursor === undefined) return [];
  return [{ ...part, present: [], left: [], removal: { ...removal, cursor } }];
}

function split<T>(items: readonly T[]): T[][] {
  const lists: T[][] = [];
  let length = 0;
  for (const item of items) {
    length += JSON.stringify(item).length;
    const list = lists.at(-1);
    if (list !== undefined && list.length < PART.items && length <= PART.length) list.push(item);
    else {
      lists.push([item]);
      ({ length } = JSON.stringify(item));
    }
  }
  return lists;
}
