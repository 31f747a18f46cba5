import { attributeFromName1x } from '../attribute-table.ts';
import type { Enumeration, Mask } from '../enumeration.ts';
import * as enums from '../enums.ts';
import * as masks from '../masks.ts';
import { isTagName, type TagName, tagName, tagNumber } from '../tags.ts';
import type { Node } from './node.ts';

/**
 * Which words stand for the numbers of an item. The binary encoding needs none; XML, JSON and the readable view spell
 * Enumerations and masks by name, and the name's table follows from the tag, for a 1.x Attribute Value from the name
 * of the attribute beside it.
 */

/** Words of an Enumeration's values; `undefined` where the table has none, and the value is written in hex. */
export interface Vocabulary {
  textOf(value: number): string | undefined;
  /** Accepts aliases: spellings of other versions and of test files. */
  valueOf(text: string): number | undefined;
}

function fromEnumeration(members: Enumeration): Vocabulary {
  return {
    textOf(value) {
      const member = members.fromNumber(value);
      return typeof member === 'string' ? member : undefined;
    },
    valueOf(text) {
      const member = members.fromText(text);
      return member === undefined ? undefined : members.toNumber(member);
    },
  };
}

/** Attribute Reference and Tag: the value is a tag, its word the tag's name. */
const tagVocabulary: Vocabulary = {
  textOf: tagName,
  valueOf: (text) => (isTagName(text) ? tagNumber(text) : undefined),
};

/** Tags whose Enumeration goes by another name than the tag. */
const vocabulariesOfOtherNames: Partial<Record<TagName, Vocabulary>> = {
  AttributeReference: tagVocabulary,
  Tag: tagVocabulary,
  MaskGeneratorHashingAlgorithm: fromEnumeration(enums.HashingAlgorithm),
  ExtensionType: fromEnumeration(enums.ItemType),
  LinkedObjectIdentifier: fromEnumeration(enums.UniqueIdentifier),
  PrivateKeyUniqueIdentifier: fromEnumeration(enums.UniqueIdentifier),
  PublicKeyUniqueIdentifier: fromEnumeration(enums.UniqueIdentifier),
  ReplacedUniqueIdentifier: fromEnumeration(enums.UniqueIdentifier),
  CertificateRequestUniqueIdentifier: fromEnumeration(enums.UniqueIdentifier),
};

const vocabularies = new Map<TagName, Vocabulary>();
for (const [name, members] of Object.entries(enums)) {
  if (isTagName(name)) vocabularies.set(name, fromEnumeration(members));
}
for (const [name, vocabulary] of Object.entries(vocabulariesOfOtherNames))
  vocabularies.set(name as TagName, vocabulary);

const masksByTag = new Map<TagName, Mask>();
for (const [name, bits] of Object.entries(masks)) {
  if (isTagName(name)) masksByTag.set(name, bits);
}

const Tag = {
  AttributeName: tagNumber('AttributeName'),
  AttributeValue: tagNumber('AttributeValue'),
  VendorIdentification: tagNumber('VendorIdentification'),
} as const;

/**
 * The tag whose words an item uses: its own, or for the value of a 1.x Attribute that of the attribute it belongs to,
 * named in front of it. `at` is the item's place among its siblings. Undefined for vendors' attributes and extensions.
 */
export function vocabularyTagOf(
  tag: number,
  siblings: readonly Node[],
  at = siblings.length,
): TagName | undefined {
  if (tag !== Tag.AttributeValue) return tagName(tag);
  // An Attribute has three fields: one with thousands of values must not cost their square.
  const before = siblings.slice(0, Math.min(at, 2));
  if (before.some((item) => item.tag === Tag.VendorIdentification)) return undefined;
  const name = before.find((item) => item.tag === Tag.AttributeName);
  return name?.type === 'TextString' ? attributeFromName1x(name.value) : undefined;
}

/** Words of the Enumerations that stand under a tag. */
export function vocabularyOf(subject: TagName | undefined): Vocabulary | undefined {
  return subject === undefined ? undefined : vocabularies.get(subject);
}

/** The mask that Integers under a tag are; undefined when they are plain numbers. */
export function maskOf(subject: TagName | undefined): Mask | undefined {
  return subject === undefined ? undefined : masksByTag.get(subject);
}
