/** Records and collections as PocketBase's hooks see them (core/record_model.go, core/collection_model.go). */

export interface FieldSettings {
  readonly name: string;
  readonly type: string;
  readonly hidden?: boolean;
  readonly maxSelect?: number;
  /** In a relation: deleting the related record deletes this record. */
  readonly cascadeDelete?: boolean;
}

export interface CollectionSettings {
  readonly id: string;
  readonly name: string;
  readonly type: "base" | "auth";
  readonly system?: boolean;
  readonly fields: readonly FieldSettings[];
}

export type Values = Readonly<Record<string, unknown>>;

const HAVE_SEVERAL = ["select", "file", "relation"];

/** A field. Only types that can have several values have `isMultiple`. */
export class Field {
  readonly settings: FieldSettings;
  readonly isMultiple?: () => boolean;

  constructor(settings: FieldSettings) {
    this.settings = settings;
    if (HAVE_SEVERAL.includes(settings.type)) {
      this.isMultiple = () => (settings.maxSelect ?? 1) > 1;
    }
  }

  getName = () => this.settings.name;
  type = () => this.settings.type;
  getHidden = () => this.settings.hidden === true;
}

export class Collection {
  readonly id: string;
  readonly name: string;
  readonly type: string;
  readonly system: boolean;
  readonly fields: readonly Field[];

  constructor({ id, name, type, system = false, fields }: CollectionSettings) {
    this.id = id;
    this.name = name;
    this.type = type;
    this.system = system;
    this.fields = fields.map((field) => new Field(field));
  }
}

export class RecordModel {
  readonly values: Values;
  readonly #collection: Collection;
  readonly #visible = new Map<string, boolean>();
  #showsEmail = false;

  constructor(collection: Collection, values: Values) {
    this.#collection = collection;
    this.values = values;
  }

  get id(): string {
    return String(this.values.id);
  }

  collection(): Collection {
    return this.#collection;
  }

  hide(...names: string[]): this {
    for (const name of names) this.#visible.set(name, false);
    return this;
  }

  unhide(...names: string[]): this {
    for (const name of names) this.#visible.set(name, true);
    return this;
  }

  ignoreEmailVisibility(state: boolean): this {
    this.#showsEmail = state;
    return this;
  }

  /** PocketBase's `PublicExport`, which its JSON is made of. */
  toJSON(): Values {
    const { type, fields, id, name } = this.#collection;
    const shown = fields.filter(
      (field) => this.#visible.get(field.getName()) ?? !field.getHidden(),
    );
    const json: Record<string, unknown> = Object.fromEntries(
      shown.map((field) => [field.getName(), this.values[field.getName()]]),
    );
    if (type === "auth") {
      delete json.password;
      delete json.tokenKey;
      if (!this.#showsEmail && this.values.emailVisibility !== true) delete json.email;
    }
    return { ...json, collectionId: id, collectionName: name };
  }
}
