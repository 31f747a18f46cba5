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
 * One attribute instance, the same in every era. A standard attribute is named by its tag; other attributes
 * belong to a vendor. Vendors `x` and `y` stand for custom attributes of the client and the server in 1.x
 * (`x-Foo`). The empty vendor marks a name that no version knows; the instance is kept so that the operation
 * can refuse it instead of ignoring it.
 */
export type Attribute = StandardAttribute | VendorAttribute;

/** An attribute of the specification; the type of its value follows from its name. */
export type StandardAttribute = {
  [N in AttributeName]: {
    readonly name: N;
    readonly vendor?: undefined;
    /** 1.x Attribute Index; 0 when left out. */
    readonly index?: number | undefined;
    readonly value: AttributeValue<N>;
  };
}[AttributeName];

/** An attribute outside the specification: any value with its type. */
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

/** A deleted instance: name and index without a value. */
export type DeletedAttribute = AttributeReference & {
  readonly index?: number | undefined;
  readonly value?: undefined;
};

/** Content of a Notify about one object: attributes with their new values, and deleted instances. */
export interface AttributeChanges {
  readonly changed: readonly Attribute[];
  readonly deleted: readonly DeletedAttribute[];
}

/**
 * Attributes of a new object as a request states them, and in 1.x the Templates that the request refers to by
 * Name.
 */
export interface TemplateAttribute {
  readonly attributes: readonly Attribute[];
  readonly templates: readonly { NameValue: string; NameType: AttributeValue<'Name'>['NameType'] }[];
}

/** Text that identifies an attribute: `State`, `x-Foo`, `Acme:Foo`; unknown names as the client sent them. */
export function attributeKey(reference: AttributeReference): string {
  if (reference.vendor === undefined || reference.vendor === '') return reference.name;
  return hasLegacyForm(reference.vendor)
    ? `${reference.vendor}-${reference.name}`
    : `${reference.vendor}:${reference.name}`;
}

/** Whether 1.x can name attributes of that vendor: `x` and `y`, which it writes as a prefix. */
export function hasLegacyForm(vendor: string): boolean {
  return vendor === 'x' || vendor === 'y';
}

/**
 * Whether a response in that version may contain this instance: the version knows its name and every
 * enumeration value in a required field. `legacyFormOnly`: the attribute must also have a 1.x name.
 */
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

/**
 * Whether that version knows every enumeration value of the required fields; optional fields can be left out.
 */
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
