import t from 'tap';
import type { Field } from '../../../codec/schema.ts';
import { TransparentKeyMaterial } from '../../../codec/structures/key-block.ts';
import type { TagName } from '../../../codec/tags.ts';
import { isWithin, type Version, versions } from '../../../codec/version.ts';
import { absent, ours, type ReferenceField, type ReferenceStructure, reference, until } from './reference.ts';
import { exportedStructures } from './schemas.ts';

/** Structures of the reference whose schema goes by another name. */
const renamed: Record<string, string> = {
  'CredentialValue[Ticket]': 'TicketCredential',
  RandomNumberGenerator: 'RNGParameters',
};

/** Where we read less strictly than the specification, and why. */
const lenient: Record<string, string> = {
  'UsageLimits.UsageLimitsCount': 'who sets limits cannot know the count',
  'CertificateSubject.CertificateSubjectDistinguishedName':
    'some certificates have only the alternative name',
  'X_509CertificateSubject.SubjectDistinguishedName': 'some certificates have only the alternative name',
  'ObjectDefaults.ObjectType': 'ObjectTypes took its place',
  'ObjectDefaults.ObjectTypes': 'ObjectType stood in its place',
};

function schemaName(name: string): string {
  return renamed[name] ?? /\[(\w+)\]$/.exec(name)?.[1] ?? name;
}

t.test('every structure: fields, their order, quantity and versions', { skip: absent }, async (t) => {
  const found = await exportedStructures();
  let compared = 0;
  for (const [name, entry] of Object.entries(reference('structures')).filter(([, each]) => ours(each))) {
    const schema = found.get(schemaName(name));
    if (schema === undefined) continue;
    compared++;
    // Fields that differ in shape between the eras or are gathered from several tags have tests of their own.
    const plain = Object.entries(schema.fields).filter(
      (pair): pair is [string, Field] => pair[1].kind === 'field',
    );
    const expected = entry.fields.filter((field) => ours({ since: field.since ?? '1.0' }));
    const keys = new Set(plain.map(([key, field]) => field.tag ?? key));
    const others = expected.filter((field) => !field.tag.startsWith('@') && !keys.has(field.tag as TagName));
    t.same(
      plain.map(([key, field]) => describe(name, entry, { ...field, tag: field.tag ?? key })),
      expected
        .filter((field) => keys.has(field.tag as TagName))
        .map((field) => describe(name, entry, fromReference(field))),
      name,
    );
    if (plain.length === Object.keys(schema.fields).length) t.same(others, [], `${name} lacks no field`);
  }
  t.ok(compared >= 57, `${compared} structures compared`);
});

t.test(
  'every transparent format: its fields in the order of the one structure for all',
  { skip: absent },
  (t) => {
    const order = Object.keys(TransparentKeyMaterial.fields);
    const formats = Object.entries(reference('structures')).filter(
      ([name, each]) => name.startsWith('KeyMaterial[') && ours(each),
    );
    t.ok(formats.length >= 13);
    for (const [name, entry] of formats) {
      const fields = entry.fields.map((field) => field.tag);
      t.same(
        fields,
        order.filter((key) => fields.includes(key)),
        name,
      );
    }
    t.end();
  },
);

interface Described {
  tag: string;
  quantity: string;
  since?: string | undefined;
  until?: string | undefined;
}

function fromReference(field: ReferenceField): Described {
  const quantity = field.repeated ? 'many' : field.required === 'yes' ? 'one' : 'maybe';
  return { tag: field.tag, quantity, since: field.since, until: until(field) };
}

function describe(structure: string, entry: ReferenceStructure, field: Described): string {
  const quantity = Object.hasOwn(lenient, `${structure}.${field.tag}`) ? 'lenient' : field.quantity;
  const known = versions.filter(
    (version) =>
      isWithin(version, entry.since as Version, until(entry) as Version) &&
      isWithin(version, (field.since ?? '1.0') as Version, field.until as Version),
  );
  return `${field.tag} ${quantity} ${known.join(' ')}`;
}
