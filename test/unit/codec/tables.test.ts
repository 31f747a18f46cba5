import t from 'tap';
import {
  type AttributeName,
  attributeFromName1x,
  attributeRow,
  attributeTable,
} from '../../../codec/attribute-table.ts';
import type { Enumeration, Mask } from '../../../codec/enumeration.ts';
import * as enums from '../../../codec/enums.ts';
import * as masks from '../../../codec/masks.ts';
import { isTagKnownIn, isTagName, type TagName, tagName, tagNumber, tags } from '../../../codec/tags.ts';
import { isWithin, type Version, versions } from '../../../codec/version.ts';
import { firstSupportedVersion, isSupported, lastVersion, readReference, skipReason } from './reference.ts';

const skip = skipReason;

t.test('every tag has the number, type and versions of the specification', { skip }, (t) => {
  const expected = readReference('tags').filter(isSupported);
  t.ok(expected.length > 370, 'the reference has its tags');
  for (const row of expected) {
    if (!isTagName(row.name)) {
      t.fail(`tag ${row.name} is missing`);
      continue;
    }
    t.equal(tagNumber(row.name), Number(row.tag), row.name);
    t.equal(tagName(Number(row.tag)), row.name);
    const known = versions.filter((version) => isTagKnownIn(row.name as TagName, version));
    t.same(
      known,
      versions.filter((version) => isWithin(version, row.since as Version, lastVersion(row) as Version)),
      row.name,
    );
    // The schemas determine types that differ between versions or contexts.
    if (typeof row.type === 'string' && row.type !== 'Varies' && tags[row.name][1] !== 'Varies') {
      t.equal(tags[row.name][1], row.type, `type of ${row.name}`);
    }
  }
  const names = new Set(expected.map((row) => row.name));
  t.same(
    Object.keys(tags).filter((name) => !names.has(name)),
    [],
    'no tag beyond the specification',
  );
  t.end();
});

t.test(
  'every enumeration has the values, names, aliases and versions of the specification',
  { skip },
  (t) => {
    const all: Record<string, Enumeration> = enums;
    const expected = Object.entries(readReference('enumerations')).filter(([, entry]) => isSupported(entry));
    t.ok(expected.length > 55, 'the reference has its enumerations');
    for (const [name, entry] of expected) {
      const members = all[name];
      if (members === undefined) {
        t.fail(`enumeration ${name} is missing`);
        continue;
      }
      const rows = entry.values.flatMap((row) => {
        const since = firstSupportedVersion(name, row);
        return since === undefined ? [] : [{ ...row, since }];
      });
      for (const row of rows) {
        const label = `${name}.${row.name}`;
        t.equal(members.fromNumber(Number(row.value)), row.name, label);
        t.equal(members.toNumber(row.name), Number(row.value), label);
        t.same(
          versions.filter((version) => members.isKnownIn(row.name, version)),
          versions.filter((version) => isWithin(version, row.since as Version, lastVersion(row) as Version)),
          `${label} since and until`,
        );
        for (const alias of row.aliases ?? [])
          t.equal(members.fromText(alias), row.name, `${label} alias ${alias}`);
      }
      const names = new Set(rows.map((row) => row.name));
      t.same(
        members.members.filter((member) => !names.has(member)),
        [],
        `${name} has no value beyond the specification`,
      );
    }
    t.end();
  },
);

t.test('every mask has the bits and names of the specification', { skip }, (t) => {
  const all: Record<string, Mask> = masks;
  const expected = Object.entries(readReference('masks'));
  t.same(Object.keys(all).sort(), expected.map(([name]) => name).sort());
  for (const [name, entry] of expected) {
    for (const row of entry.values.filter(isSupported)) {
      t.equal(all[name]?.fromText(row.name), Number(row.value), `${name}.${row.name}`);
      for (const alias of row.aliases ?? []) t.equal(all[name]?.fromText(alias), Number(row.value), alias);
    }
  }
  t.end();
});

t.test('every attribute has the 1.x name, tag and versions of the specification', { skip }, (t) => {
  // Attributes of vendors have no row: their form is in `attribute-forms.ts`.
  const vendors = ['CustomAttribute', 'Attribute(Vendor)'];
  const expected = Object.entries(readReference('attributes')).filter(
    ([name, entry]) => isSupported(entry) && !vendors.includes(name),
  );
  t.ok(expected.length > 75, 'the reference has its attributes');
  for (const [name, entry] of expected) {
    if (!Object.hasOwn(attributeTable, name)) {
      t.fail(`attribute ${name} is missing`);
      continue;
    }
    const row = attributeRow(name as AttributeName);
    t.equal(row.name1x, entry.attributeName1x, `1.x name of ${name}`);
    t.equal(tagNumber(name as TagName), Number(entry.tag), `tag of ${name}`);
    t.equal(row.since, entry.since, `${name} since`);
    t.equal(row.until, lastVersion(entry), `${name} until`);
    if (entry.attributeName1x !== null) t.equal(attributeFromName1x(entry.attributeName1x), name);
  }
  const names = new Set(expected.map(([name]) => name));
  t.same(
    Object.keys(attributeTable).filter((name) => !names.has(name)),
    [],
    'no attribute beyond the specification',
  );
  t.end();
});

t.test('names of a client never reach a prototype', (t) => {
  for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty', '']) {
    t.notOk(isTagName(name), `tag ${name}`);
    t.equal(attributeFromName1x(name), undefined, `attribute ${name}`);
    t.equal(enums.State.fromText(name), undefined, `enumeration ${name}`);
    t.equal(enums.HashingAlgorithm.fromText(name), undefined, `enumeration with aliases ${name}`);
    t.equal(masks.CryptographicUsageMask.fromText(name), undefined, `mask ${name}`);
  }
  t.end();
});

t.test('runs of spaces in a 1.x attribute name count as one', (t) => {
  t.equal(attributeFromName1x('Activation   Date'), 'ActivationDate');
  t.equal(attributeFromName1x(' Cryptographic \n Usage Mask '), 'CryptographicUsageMask');
  t.equal(attributeFromName1x('CryptographicUsageMask'), undefined);
  t.end();
});
