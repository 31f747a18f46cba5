import { attributeFromName1x } from '../attribute-table.ts';
import type { Enumeration, Mask } from '../enumeration.ts';
import * as enums from '../enums.ts';
import * as masks from '../masks.ts';
import { isTagName, type TagName, tagName, tagNumber } from '../tags.ts';
import type { Node } from './node.ts';

/**
 * Names of the values of an item. The binary encoding needs none; XML, JSON and the text form write
 * Enumerations and masks by name. The tag of the item decides which table applies, for a 1.x Attribute Value
 * the name of the attribute beside it.
 */

/** Names of the values of an Enumeration. */
export interface Vocabulary {
  /** Name of a value; undefined when the table has none, so that the value is written in hex. */
  textOf(value: number): string | undefined;
  /**
   * Value of a name or of an alias (spellings of other versions and of test files); undefined for other
   * texts.
   */
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

/** Attribute Reference and Tag: the value is a tag, its text the name of the tag. */
const tagVocabulary: Vocabulary = {
  textOf: tagName,
  valueOf: (text) => (isTagName(text) ? tagNumber(text) : undefined),
};

/** Tags whose Enumeration has another name than the tag. */
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
 * The tag whose vocabulary an item uses: its own, or for a 1.x Attribute Value the tag of the attribute that
 * the preceding Attribute Name gives. `at` is the position of the item among its siblings. Undefined for
 * attributes of vendors and for extensions.
 */
export function vocabularyTagOf(
  tag: number,
  siblings: readonly Node[],
  at = siblings.length,
): TagName | undefined {
  if (tag !== Tag.AttributeValue) return tagName(tag);
  // The name is one of the first two fields. A search through all would be quadratic for a structure of many
  // values.
  const before = siblings.slice(0, Math.min(at, 2));
  if (before.some((item) => item.tag === Tag.VendorIdentification)) return undefined;
  const name = before.find((item) => item.tag === Tag.AttributeName);
  return name?.type === 'TextString' ? attributeFromName1x(name.value) : undefined;
}

/** Vocabulary of the Enumerations under a tag; undefined when there is none. */
export function vocabularyOf(vocabularyTag: TagName | undefined): Vocabulary | undefined {
  return vocabularyTag === undefined ? undefined : vocabularies.get(vocabularyTag);
}

/** The mask that applies to Integers under a tag; undefined when they are plain numbers. */
export function maskOf(vocabularyTag: TagName | undefined): Mask | undefined {
  return vocabularyTag === undefined ? undefined : masksByTag.get(vocabularyTag);
}
