import {
  type Attribute,
  type AttributeChanges,
  type AttributeReference,
  attributeKey,
  type DeletedAttribute,
  isSendable,
  type TemplateAttribute,
} from './attribute.ts';
import {
  attribute1x,
  attributes2x,
  echoedAttribute1x,
  notifyAttribute1x,
  reference1x,
  reference2x,
  sendableAttribute1x,
  singleAttribute2x,
} from './attribute-forms.ts';
import {
  type EraField,
  era,
  integer,
  type MergedField,
  many,
  maybe,
  one,
  partial,
  struct,
  tagged,
} from './schema.ts';
import { Name } from './structures/attribute-values.ts';
import type { TagName } from './tags.ts';
import { eraOf, type Version } from './version.ts';

export type {
  Attribute,
  AttributeChanges,
  AttributeReference,
  StandardAttribute,
  TemplateAttribute,
  VendorAttribute,
} from './attribute.ts';

/**
 * Every difference in shape between 1.x and 2.x, so that handlers need not know the era: Attribute with name,
 * index and value or one item per attribute; Template-Attribute or Attributes; names or references.
 */

const template1x = struct({ Name: many(Name), Attribute: many(sendableAttribute1x) });
const filterTemplate1x = struct({ Name: many(partial(Name)), Attribute: many(attribute1x(true)) });

/** The `split` of a merged field that writes every attribute as an item under `tag`. */
function splitUnder(tag: TagName) {
  return (list: readonly Attribute[]) => list.map((value) => ({ tag, value }));
}

/** Attributes in 1.x: one Attribute item each. */
const attributeList1x: MergedField<readonly Attribute[]> = {
  kind: 'merged',
  sources: [{ tag: 'Attribute', schema: sendableAttribute1x }],
  merge: (items) => items.map((item) => item.value as Attribute),
  split: splitUnder('Attribute'),
};

/** Attributes in 2.x: one structure under `tag`, absent for an empty list unless `writeEmpty` is set. */
function attributeList2x(
  tag: TagName,
  options: { allowPartial?: boolean; writeEmpty?: boolean } = {},
): MergedField<readonly Attribute[]> {
  return {
    kind: 'merged',
    sources: [{ tag, schema: attributes2x(options.allowPartial ?? false) }],
    merge: (items) => items.flatMap((item) => item.value as Attribute[]),
    split: (value) => (value.length > 0 || options.writeEmpty ? [{ tag, value }] : []),
  };
}

/**
 * Attributes of a response: repeated Attribute, from 2.0 on one Attributes structure, present even when
 * empty.
 */
export const attributeList: EraField<readonly Attribute[]> = era({
  '1.x': attributeList1x,
  '2.x': attributeList2x('Attributes', { writeEmpty: true }),
});

/** Attributes beside Key Material in a Key Value. */
export const keyValueAttributes: EraField<readonly Attribute[]> = era({
  '1.x': attributeList1x,
  '2.x': attributeList2x('Attributes'),
});

/**
 * Attribute changes in a Notify. 1.x: repeated Attribute, without a value when the instance was deleted. 2.x:
 * Attributes, and a reference for each deleted attribute. An attribute with remaining instances gets no
 * reference, because a reference means that all instances are deleted.
 */
export const attributeChanges: EraField<AttributeChanges> = era({
  '1.x': {
    kind: 'merged',
    sources: [{ tag: 'Attribute', schema: notifyAttribute1x }],
    merge(items) {
      const all = items.map((item) => item.value as Attribute | DeletedAttribute);
      return {
        changed: all.filter((each): each is Attribute => each.value !== undefined),
        deleted: all.filter((each): each is DeletedAttribute => each.value === undefined),
      };
    },
    split: ({ changed, deleted }) =>
      [...changed, ...deleted].map((value) => ({ tag: 'Attribute' as const, value })),
  } satisfies MergedField<AttributeChanges>,
  '2.x': {
    kind: 'merged',
    sources: [
      { tag: 'Attributes', schema: attributes2x(false) },
      { tag: 'AttributeReference', schema: reference2x },
    ],
    merge: (items) => ({
      changed: items.flatMap(({ tag, value }) => (tag === 'Attributes' ? (value as Attribute[]) : [])),
      deleted: items.flatMap(({ tag, value }) => (tag === 'Attributes' ? [] : [value as DeletedAttribute])),
    }),
    split({ changed, deleted }) {
      const left = new Set(changed.map(attributeKey));
      const gone = new Map(deleted.map((each) => [attributeKey(each), each]));
      return [
        ...(changed.length > 0 ? [{ tag: 'Attributes' as const, value: changed }] : []),
        ...[...gone]
          .filter(([key]) => !left.has(key))
          .map(([, value]) => ({ tag: 'AttributeReference' as const, value })),
      ];
    },
  } satisfies MergedField<AttributeChanges>,
});

/** The changes that a message in that version can contain. */
export function representableChanges(
  { changed, deleted }: AttributeChanges,
  version: Version,
): AttributeChanges {
  const legacyFormOnly = eraOf(version) === '1.x';
  return {
    changed: changed.filter((each) => isSendable(each, version, legacyFormOnly)),
    deleted: deleted.filter((each) => isSendable(each, version, legacyFormOnly)),
  };
}

/** Content of a Template object (1.x only). */
export const templateAttributes: EraField<readonly Attribute[]> = era({
  '1.x': attributeList1x,
  '2.x': attributeList2x('Attributes'),
});

/**
 * Attributes of a Locate filter: Attribute items, or a Template-Attribute from some 1.0 clients; in 2.x
 * Attributes.
 */
export const filterAttributes: EraField<readonly Attribute[]> = era({
  '1.x': {
    kind: 'merged',
    sources: [
      { tag: 'Attribute', schema: attribute1x(true) },
      { tag: 'TemplateAttribute', schema: filterTemplate1x },
    ],
    merge: (items) =>
      items.flatMap(({ tag, value }) => {
        if (tag === 'Attribute') return [value as Attribute];
        const wrapped = value as { Name: { NameValue: string; NameType: string }[]; Attribute: Attribute[] };
        return [
          ...wrapped.Name.map((name) => ({ name: 'Name', value: name }) as Attribute),
          ...wrapped.Attribute,
        ];
      }),
    split: splitUnder('Attribute'),
  } satisfies MergedField<readonly Attribute[]>,
  '2.x': attributeList2x('Attributes', { allowPartial: true, writeEmpty: true }),
});

/** Attributes of a new object under the tags of both eras; without such an item the lists are empty. */
export function creationAttributes(tag1x: TagName, tag2x: TagName): EraField<TemplateAttribute> {
  const wrapped: MergedField<TemplateAttribute> = {
    kind: 'merged',
    sources: [{ tag: tag1x, schema: template1x }],
    merge: (items) => {
      const all = items.map(
        (item) => item.value as { Name: TemplateAttribute['templates']; Attribute: Attribute[] },
      );
      return {
        templates: all.flatMap((each) => each.Name),
        attributes: all.flatMap((each) => each.Attribute),
      };
    },
    split: ({ templates, attributes }) =>
      templates.length + attributes.length > 0
        ? [{ tag: tag1x, value: { Name: templates, Attribute: attributes } }]
        : [],
  };
  // PyKMIP's client still wraps the attributes of a 2.0 Re-key in a Template-Attribute.
  const bare: MergedField<TemplateAttribute> = {
    kind: 'merged',
    sources: [{ tag: tag2x, schema: attributes2x(false) }, ...wrapped.sources],
    merge: (items) => {
      const { templates, attributes } = wrapped.merge(items.filter((item) => item.tag === tag1x));
      const listed = items.filter((item) => item.tag === tag2x).flatMap((item) => item.value as Attribute[]);
      return { templates, attributes: [...attributes, ...listed] };
    },
    split: ({ attributes }) => [{ tag: tag2x, value: attributes }],
  };
  return era({ '1.x': wrapped, '2.x': bare });
}

/** The attribute to add, set or change to. */
export const newAttribute: EraField<Attribute> = era({
  '1.x': tagged('Attribute', one(sendableAttribute1x)),
  '2.x': tagged('NewAttribute', one(singleAttribute2x)),
});

/** The instance to change or delete, by value (2.x; 1.x names it by index). */
export const currentAttribute: EraField<Attribute | undefined> = era({
  '1.x': null,
  '2.x': tagged('CurrentAttribute', maybe(singleAttribute2x)),
});

/** The attribute in a response; only 1.x responses repeat it, as `echoAttribute` returns it. */
export const echoedAttribute: EraField<Attribute | undefined> = era({
  '1.x': tagged('Attribute', maybe(echoedAttribute1x)),
  '2.x': null,
});

/**
 * Returns an instance as the response repeats it: with its Attribute Index of 0 when the request carried an
 * Attribute Index, because clients of PyKMIP compare the two.
 */
export function echoAttribute(attribute: Attribute, requestedIndex: number | undefined): Attribute {
  return requestedIndex === undefined ? attribute : { ...attribute, index: attribute.index ?? 0 };
}

/** Names of attributes: text in 1.x, tags or vendor names in 2.x. */
export const attributeReferences: EraField<AttributeReference[]> = era({
  '1.x': tagged('AttributeName', many(reference1x)),
  '2.x': tagged('AttributeReference', many(reference2x)),
});

/** Name of the one attribute to delete or adjust; 2.x may give the whole attribute instead. */
export const attributeReference: EraField<AttributeReference | undefined> = era({
  '1.x': tagged('AttributeName', maybe(reference1x)),
  '2.x': tagged('AttributeReference', maybe(reference2x)),
});

/** Which instance of a named attribute (1.x). */
export const attributeIndex: EraField<number | undefined> = era({
  '1.x': tagged('AttributeIndex', maybe(integer)),
  '2.x': null,
});
