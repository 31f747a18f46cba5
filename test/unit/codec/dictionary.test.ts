import t from 'tap';
import * as enums from '../../../codec/enums.ts';
import { type TagName, tags } from '../../../codec/tags.ts';
import { maskOf, vocabularyOf, vocabularyTagOf } from '../../../codec/wire/dictionary.ts';
import type { Node } from '../../../codec/wire/node.ts';

const all = Object.keys(tags) as TagName[];

t.test('every tag of an Enumeration has a vocabulary', (t) => {
  for (const name of all) {
    if (tags[name][1] === 'Enumeration') t.ok(vocabularyOf(name), name);
  }
  t.end();
});

t.test('every enumeration has a tag', (t) => {
  const used = new Set(all.filter((name) => vocabularyOf(name) !== undefined));
  // Item Type names the values of Extension Type and of no other tag.
  t.same(
    Object.keys(enums).filter((name) => !used.has(name as TagName)),
    ['ItemType'],
  );
  t.end();
});

t.test('a tag can use the vocabulary of an enumeration with another name', (t) => {
  for (const [tag, word, value] of [
    ['MaskGeneratorHashingAlgorithm', 'SHA_256', 6],
    ['AttributeReference', 'CryptographicAlgorithm', 0x420028],
    ['Tag', 'CryptographicAlgorithm', 0x420028],
    ['ExtensionType', 'ByteString', 8],
    ['UniqueIdentifier', 'IDPlaceholder', 1],
    ['LinkedObjectIdentifier', 'IDPlaceholder', 1],
    ['PrivateKeyUniqueIdentifier', 'CreateKeyPairPrivateKey', 5],
    ['PublicKeyUniqueIdentifier', 'CreateKeyPairPublicKey', 6],
    ['ReplacedUniqueIdentifier', 'ReKey', 0xd],
    ['CertificateRequestUniqueIdentifier', 'Register', 0xc],
    ['Data', 'Encrypt', 2],
  ] as const) {
    t.equal(vocabularyOf(tag)?.valueOf(word), value, `${tag} ${word}`);
    t.equal(vocabularyOf(tag)?.textOf(value), word, `${tag} ${value}`);
    t.equal(vocabularyOf(tag)?.textOf(0x12345), undefined, `${tag}: no name for a value outside the table`);
    t.equal(vocabularyOf(tag)?.valueOf('__proto__'), undefined);
  }
  t.end();
});

t.test('maskOf finds the mask of the three mask tags only', (t) => {
  t.same(
    all.filter((name) => maskOf(name) !== undefined),
    ['CryptographicUsageMask', 'StorageStatusMask', 'ProtectionStorageMask'],
  );
  t.equal(maskOf(undefined), undefined);
  t.end();
});

const AttributeValue = 0x42000b;
const named = (value: string): Node => ({ tag: 0x42000a, type: 'TextString', value });
const index: Node = { tag: 0x420009, type: 'Integer', value: 0 };
const vendor: Node = { tag: 0x42009d, type: 'TextString', value: 'Acme' };
const value: Node = { tag: AttributeValue, type: 'Integer', value: 1 };

t.test('vocabularyTagOf finds the tag whose vocabulary an item uses', (t) => {
  for (const [name, tag, siblings, expected] of [
    ['its own tag', 0x42008d, [], 'State'],
    ['an extension', 0x540001, [], undefined],
    ['the attribute in front', AttributeValue, [named('State')], 'State'],
    ['with an index between', AttributeValue, [named('State'), index], 'State'],
    ['a custom attribute', AttributeValue, [named('x-State')], undefined],
    ['an attribute of a vendor', AttributeValue, [vendor, named('State')], undefined],
    ['no name', AttributeValue, [], undefined],
    ['a name that is no text', AttributeValue, [{ tag: 0x42000a, type: 'Integer', value: 1 }], undefined],
    ['a name too late to count', AttributeValue, [value, value, named('State')], undefined],
  ] as const) {
    t.equal(vocabularyTagOf(tag, siblings), expected, name);
  }
  t.equal(
    vocabularyTagOf(AttributeValue, [value, named('State')], 0),
    undefined,
    'what follows does not count',
  );
  t.end();
});
