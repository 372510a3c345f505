import { toJSONLine } from "../sse.ts";
import { FilterResults } from "./filter-results.ts";
import type { RecordEvent } from "./record-event.ts";
import type { RecordView } from "./record-view.ts";
import type { FilterContext } from "./request-view.ts";
import type { Rule } from "./rules.ts";
import type { Selection, Subscribed } from "./selection.ts";
import type { Viewer } from "./viewer.ts";

const NO_OPTIONS: Selection["request"] = { query: {}, headers: {} };

/** Applies rules, hidden fields and the options of subscriptions to a record event. */
export class RecordSelector {
  /** Whether all clients with one key receive the same. */
  readonly isOpen: boolean;
  readonly #event: RecordEvent;
  readonly #data: string;
  readonly #at: number;
  readonly #results: FilterResults;
  /** For the record before an update. */
  readonly #resultsBefore: FilterResults | undefined;
  /** Whether two users may see the record differently. */
  readonly #dependsOnUser: boolean;
  /** Results of rules that do not depend on the subscription's options: by rule, then by user. */
  readonly #allowed = new Map<Rule, Map<string, boolean>>();
  /** The same for the record before the update. */
  readonly #allowedBefore = new Map<Rule, Map<string, boolean>>();
  /** Texts by `fields`. One map for each combination of: is the viewer an administrator, and is the email visible. */
  readonly #texts = [0, 1, 2, 3].map(() => new Map<string | undefined, string>());

  /**
   * @param data The data of the message: action and record.
   * @param at The time of the message, in milliseconds since 1970.
   */
  constructor(event: RecordEvent, data: string, at: number) {
    this.#event = event;
    this.#data = data;
    this.#at = at;
    this.#results = new FilterResults(event.view, at);
    this.#resultsBefore = event.previousView && new FilterResults(event.previousView, at);
    this.isOpen = event.isOpen;
    const { list, view, manage } = event.rules ?? {};
    this.#dependsOnUser =
      event.hasInvisibleEmail ||
      [list, view, manage].some((rule) => typeof rule === "object" && rule.usesAuth);
  }

  /** Viewers of one kind receive the same. */
  kindOf(viewer: Viewer): string {
    if (this.isOpen) return "everyone";
    if (viewer.isAdmin) return "administrator";
    return this.#dependsOnUser ? viewer.key : "user";
  }

  /**
   * Returns the data for a subscription and a viewer. Undefined if nothing is sent.
   *
   * @throws RealtimeError `invalid_filter`.
   */
  select(
    { topic }: Subscribed,
    selection: Selection | undefined,
    viewer: Viewer,
  ): string | undefined {
    const { action, rules, view, previousView } = this.#event;
    const rule = this.#event.isTopicOfRecord(topic) ? rules?.view : rules?.list;
    const filter = selection?.filter;
    const isSelected = (candidate: RecordView, results: FilterResults) =>
      this.#isAllowed(rule ?? "everyone", candidate, selection, viewer) &&
      (filter === undefined || results.matches(filter, viewer.isAdmin));
    if (isSelected(view, this.#results)) {
      const { actions, changed } = selection ?? {};
      if (actions !== undefined && !actions.has(action)) return undefined;
      if (action === "update" && changed !== undefined) {
        const seesEmail = this.#seesEmail(selection, viewer);
        if (!this.#event.hasChanged(changed, viewer.isAdmin, seesEmail)) return undefined;
      }
      return this.#textFor(selection, viewer);
    }
    if (!selection?.leave || previousView === undefined || this.#resultsBefore === undefined) {
      return undefined;
    }
    if (!isSelected(previousView, this.#resultsBefore)) return undefined;
    return toJSONLine({ action: "leave", record: { id: this.#event.record.id } });
  }

  /** Returns the steps that filters have taken since the last call. */
  takeSteps(): number {
    const { view, previousView } = this.#event;
    return view.takeSteps() + (previousView?.takeSteps() ?? 0);
  }

  release(): void {
    this.#allowed.clear();
    this.#allowedBefore.clear();
    this.#results.release();
    this.#resultsBefore?.release();
    for (const texts of this.#texts) texts.clear();
  }

  #isAllowed(
    rule: Rule,
    candidate: RecordView,
    selection: Selection | undefined,
    viewer: Viewer,
  ): boolean {
    if (rule === "everyone" || viewer.isAdmin) return true;
    if (rule === "administrators") return false;
    const context = this.#context(selection, viewer);
    if (rule.usesOptions) return rule.matches(candidate, context);
    const byRule = candidate === this.#event.view ? this.#allowed : this.#allowedBefore;
    let byUser = byRule.get(rule);
    if (byUser === undefined) {
      byUser = new Map();
      byRule.set(rule, byUser);
    }
    const user = rule.usesAuth ? viewer.key : "";
    let isAllowed = byUser.get(user);
    if (isAllowed === undefined) {
      isAllowed = rule.matches(candidate, context);
      byUser.set(user, isAllowed);
    }
    return isAllowed;
  }

  /** The record as the viewer may see it, with the fields that the subscription asks for. */
  #textFor(selection: Selection | undefined, viewer: Viewer): string {
    const { action, record } = this.#event;
    const { pick, fields } = selection ?? {};
    const seesEmail = this.#seesEmail(selection, viewer);
    const texts = this.#texts[(viewer.isAdmin ? 2 : 0) + (seesEmail ? 1 : 0)];
    let text = texts?.get(fields);
    if (text === undefined) {
      const shown = this.#event.shownTo(viewer.isAdmin, seesEmail);
      const isWhole = shown === record && pick === undefined;
      text = isWhole
        ? this.#data
        : toJSONLine({ action, record: pick === undefined ? shown : pick(shown) });
      texts?.set(fields, text);
    }
    return text;
  }

  /** Whether the viewer receives the email. Follows PocketBase (apis/record_helpers.go, `autoResolveRecordsFlags`). */
  #seesEmail(selection: Selection | undefined, viewer: Viewer): boolean {
    if (!this.#event.hasInvisibleEmail || viewer.isAdmin) return true;
    if (this.#event.isOwn(viewer.auth)) return true;
    const manage = this.#event.rules?.manage ?? "administrators";
    return this.#isAllowed(manage, this.#event.view, selection, viewer);
  }

  #context(selection: Selection | undefined, { auth, isAdmin }: Viewer): FilterContext {
    const { query, headers } = selection?.request ?? NO_OPTIONS;
    return { auth, query, headers, isAdmin, now: this.#at };
  }
}
