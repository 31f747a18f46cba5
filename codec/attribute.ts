import {
  type AttributeName,
  type AttributeValue,
  attributeRow,
  isAttributeKnownIn,
  isAttributeName,
} from './attribute-table.ts';
import type { AnySchema } from './schema.ts';
import type { Version } from './version.ts';
import type { TypedValue } from './wire/node.ts';

/**
 * One attribute instance, the same in every era. Standard ones go by their tag name. Others belong to a vendor: `x` and
 * `y` are the client's and the server's custom attributes of 1.x (`x-Foo`); the empty vendor marks a name that no
 * version knows, kept so that the operation can refuse it instead of overlooking it.
 */
export type Attribute = StandardAttribute | VendorAttribute;

export type StandardAttribute = {
  [N in AttributeName]: {
    readonly name: N;
    readonly vendor?: undefined;
    /** 1.x Attribute Index; 0 when left out. */
    readonly index?: number | undefined;
    readonly value: AttributeValue<N>;
  };
}[AttributeName];

export interface VendorAttribute {
  readonly name: string;
  readonly vendor: string;
  readonly index?: number | undefined;
  readonly value: TypedValue;
}

/** Names an attribute without its value. */
export type AttributeReference =
  | { readonly name: AttributeName; readonly vendor?: undefined }
  | { readonly name: string; readonly vendor: string };

/** An instance that is gone: its name and its index, no value. */
export type DeletedAttribute = AttributeReference & {
  readonly index?: number | undefined;
  readonly value?: undefined;
};

/** What a Notify tells of one object: attributes as they are now, and those that are gone. */
export interface AttributeChanges {
  readonly changed: readonly Attribute[];
  readonly deleted: readonly DeletedAttribute[];
}

/** What a creating request says about the new object: attributes, and in 1.x the Templates it refers to by Name. */
export interface TemplateAttribute {
  readonly attributes: readonly Attribute[];
  readonly templates: readonly { NameValue: string; NameType: AttributeValue<'Name'>['NameType'] }[];
}

/** One text per attribute: `State`, `x-Foo`, `Acme:Foo`; unknown names as they came. */
export function attributeKey(reference: AttributeReference): string {
  if (reference.vendor === undefined || reference.vendor === '') return reference.name;
  return hasLegacyForm(reference.vendor)
    ? `${reference.vendor}-${reference.name}`
    : `${reference.vendor}:${reference.name}`;
}

/** `x` and `y`: the vendors that 1.x writes as a prefix. */
export function hasLegacyForm(vendor: string): boolean {
  return vendor === 'x' || vendor === 'y';
}

/** Whether an answer of that version may carry this instance: its name, and the enumeration values that it cannot do without. */
export function isSendable(
  attribute: Attribute | DeletedAttribute,
  version: Version,
  legacyFormOnly: boolean,
): boolean {
  if (attribute.vendor !== undefined)
    return legacyFormOnly ? hasLegacyForm(attribute.vendor) : attribute.vendor !== '';
  if (!isReferable(attribute, version)) return false;
  const { schema, name1x } = attributeRow(attribute.name);
  if (legacyFormOnly && name1x === null) return false;
  return isRepresentable(schema, attribute.value, version);
}

/** Whether that version has every enumeration value without which the structure would be incomplete. */
function isRepresentable(schema: AnySchema, value: unknown, version: Version): boolean {
  if (value === undefined) return true;
  if (schema.kind === 'enumeration') return schema.isIntroducedBy(value as string | number, version);
  if (schema.kind !== 'struct') return true;
  const values = value as Record<string, unknown>;
  return Object.entries(schema.fields).every(
    ([key, field]) =>
      field.kind !== 'field' ||
      field.quantity !== 'one' ||
      isRepresentable(field.schema, values[key], version),
  );
}

/** Whether that version knows the attribute's name. */
export function isReferable(reference: AttributeReference, version: Version): boolean {
  return (
    reference.vendor !== undefined ||
    (isAttributeName(reference.name) && isAttributeKnownIn(reference.name, version))
  );
}
