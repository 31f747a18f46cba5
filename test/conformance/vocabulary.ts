import {
  attributeFromName1x,
  attributeRow,
  isAttributeKnownIn,
  isAttributeName,
} from '../../codec/attribute-table.ts';
import type { Enumeration } from '../../codec/enumeration.ts';
import * as enums from '../../codec/enums.ts';
import { plan } from '../../codec/plan.ts';
import type { AnySchema } from '../../codec/schema.ts';
import { RNGParameters } from '../../codec/structures/cryptographic-parameters.ts';
import {
  CapabilityInformation,
  ProfileInformation,
  ServerInformation,
  ValidationInformation,
} from '../../codec/structures/query.ts';
import { isTagKnownIn, type TagName, tagName, tags } from '../../codec/tags.ts';
import { eraOf, type Version } from '../../codec/version.ts';
import { BinaryReader } from '../../codec/wire/binary-reader.ts';
import { BinaryWriter } from '../../codec/wire/binary-writer.ts';
import { maskOf, vocabularyTagOf } from '../../codec/wire/dictionary.ts';
import type { Node } from '../../codec/wire/node.ts';
import { encode } from '../client.ts';
import { sameValue } from './comparison.ts';
import { attributeKeyOf, canonicalAttribute, describe, nameOf, stepOf } from './describe.ts';

/** Reports a place where an answer breaks a rule. */
export type Violation = (path: string, expected: string, actual: string) => void;

const byTag: Readonly<Record<string, Enumeration>> = {
  ...(enums as Readonly<Record<string, Enumeration>>),
  MaskGeneratorHashingAlgorithm: enums.HashingAlgorithm,
};

/** Attributes of which an object may have several, beside those of vendors and the names in certificates. */
const several: ReadonlySet<string> = new Set([
  'Name',
  'CryptographicParameters',
  'Digest',
  'ObjectGroup',
  'Link',
  'ApplicationSpecificInformation',
  'DigitalSignatureAlgorithm',
  'AlternativeName',
  'KeyValueLocation',
  'NISTKeyType',
]);

/** Finds tags, types, enumeration members and attribute names that the client's version does not define. */
export function checkVocabulary(
  node: Node,
  version: Version,
  path: string,
  before: readonly Node[],
  breach: Violation,
): void {
  const name = tagName(node.tag);
  if (name !== undefined && !isTagKnownIn(name, version)) {
    breach(path, `nothing: not a tag of ${version}`, describe(node, before));
  }
  const type = name === undefined ? 'Varies' : tags[name][1];
  if (type !== 'Varies' && type !== node.type) breach(path, `an item of type ${type}`, node.type);
  if (node.type === 'Enumeration')
    checkMember(node.value, vocabularyTagOf(node.tag, before), version, path, breach);
  if (node.type === 'Integer')
    checkBits(node.value, vocabularyTagOf(node.tag, before), version, path, breach);
  if (node.type === 'TextString' && name === 'AttributeName')
    checkAttributeName(node.value, before, version, path, breach);
  const form = formOf(vocabularyTagOf(node.tag, before));
  if (form !== undefined) checkForm(node, form, version, path, breach);
  if (node.type !== 'Structure') return;
  checkAttributes(node.value, path, breach);
  if (name === 'Attribute') checkAttribute(node.value, version, path, breach);
  let item = 0;
  node.value.forEach((child, index) => {
    const step = nameOf(child) === 'BatchItem' ? `BatchItem[${++item}]` : stepOf(child);
    checkVocabulary(
      child,
      version,
      path === '' ? step : `${path}/${step}`,
      node.value.slice(0, index),
      breach,
    );
  });
}

function checkMember(
  value: number,
  subject: TagName | undefined,
  version: Version,
  path: string,
  breach: Violation,
): void {
  if (subject === 'AttributeReference') {
    const name = tagName(value);
    if (name === undefined || !isAttributeName(name) || !isAttributeKnownIn(name, version)) {
      breach(path, `an attribute of ${version}`, name ?? String(value));
    }
    return;
  }
  const members = byTag[subject ?? ''];
  // KMIP names one return code of PKCS#11; the others are PKCS#11's own.
  if (members === undefined || subject === 'PKCS_11ReturnCode') return;
  const member = members.fromNumber(value);
  if (!members.isIntroducedBy(member, version))
    breach(path, `a member of ${members.name} in ${version}`, String(member));
}

function checkBits(
  value: number,
  subject: TagName | undefined,
  version: Version,
  path: string,
  breach: Violation,
): void {
  const bits = maskOf(subject);
  const tooNew = bits === undefined ? 0 : value & bits.newerThan(version);
  if (tooNew !== 0)
    breach(path, `bits of ${bits?.name} in ${version}`, bits?.split(tooNew).names.join(' ') ?? '');
}

/** Structures of Query responses whose content is free and whose form is checked. */
const ofQuery: Readonly<Partial<Record<TagName, AnySchema>>> = {
  RNGParameters,
  ProfileInformation,
  ValidationInformation,
  CapabilityInformation,
  ServerInformation,
};

/** The form of attribute values and of Query responses. */
function formOf(subject: TagName | undefined): AnySchema | undefined {
  if (subject === undefined) return undefined;
  return isAttributeName(subject) ? attributeRow(subject).schema : ofQuery[subject];
}

/** A value in its form: its type; the fields of a structure all, none twice, in their order. */
function checkForm(value: Node, schema: AnySchema, version: Version, path: string, breach: Violation): void {
  const form = plan(schema, version);
  const given = encode(value);
  const writer = new BinaryWriter();
  try {
    form.write(writer, value.tag, form.read(new BinaryReader(given)));
    if (Buffer.compare(given, writer.finish()) !== 0)
      breach(path, 'its fields in their order', describe(value));
  } catch (error) {
    breach(path, 'its own form', (error as Error).message);
  }
}

/** A name without a vendor beside it is of the standard, the client's (`x-`) or the server's (`y-`). */
function checkAttributeName(
  name: string,
  before: readonly Node[],
  version: Version,
  path: string,
  breach: Violation,
): void {
  if (before.some((item) => nameOf(item) === 'VendorIdentification') || /^[xy]-./.test(name)) return;
  const standard = attributeFromName1x(name);
  if (standard === undefined || !isAttributeKnownIn(standard, version))
    breach(path, `an attribute of ${version}`, name);
}

/** The fields of one Attribute, in their order. */
function checkAttribute(fields: readonly Node[], version: Version, path: string, breach: Violation): void {
  const names = fields.map(nameOf).join(' ');
  const form =
    eraOf(version) === '1.x'
      ? /^AttributeName (AttributeIndex )?AttributeValue$/
      : /^VendorIdentification AttributeName AttributeValue$/;
  if (!form.test(names)) breach(path, 'the fields of an Attribute', names);
}

/** No attribute twice with the same value, and none twice at all that an object has but once. */
function checkAttributes(items: readonly Node[], path: string, breach: Violation): void {
  const attributes = items.filter((item) => {
    const name = nameOf(item);
    return (
      name === 'Attribute' || (path.endsWith('/Attributes') && name !== undefined && isAttributeName(name))
    );
  });
  attributes.forEach((item, index) => {
    const key = canonicalAttribute(attributeKeyOf(item));
    const single = isAttributeName(key) && !several.has(key) && !/^Certificate(Subject|Issuer)/.test(key);
    const again = attributes
      .slice(0, index)
      .some(
        (other) => canonicalAttribute(attributeKeyOf(other)) === key && (single || sameValue(item, other)),
      );
    if (again) breach(`${path}/${stepOf(item)}`, 'the attribute once', describe(item));
  });
}
