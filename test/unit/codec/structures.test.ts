import t from 'tap';
import type { Field } from '../../../codec/schema.ts';
import { TransparentKeyMaterial } from '../../../codec/structures/key-block.ts';
import type { TagName } from '../../../codec/tags.ts';
import { isWithin, type Version, versions } from '../../../codec/version.ts';
import {
  isSupported,
  lastVersion,
  type ReferenceField,
  type ReferenceStructure,
  readReference,
  skipReason,
} from './reference.ts';
import { exportedStructures } from './schemas.ts';

/** Structures of the reference whose schema has another name. */
const schemaNames: Record<string, string> = {
  'CredentialValue[Ticket]': 'TicketCredential',
  RandomNumberGenerator: 'RNGParameters',
};

/** Fields that the codec reads less strictly than the specification, with the reason. */
const lenient: Record<string, string> = {
  'UsageLimits.UsageLimitsCount': 'a client that sets limits does not know the count',
  'CertificateSubject.CertificateSubjectDistinguishedName':
    'some certificates have only the alternative name',
  'X_509CertificateSubject.SubjectDistinguishedName': 'some certificates have only the alternative name',
  'ObjectDefaults.ObjectType': 'replaced by ObjectTypes',
  'ObjectDefaults.ObjectTypes': 'replaces ObjectType',
};

function schemaName(name: string): string {
  return schemaNames[name] ?? /\[(\w+)\]$/.exec(name)?.[1] ?? name;
}

t.test(
  'every structure has the fields, order, quantities and versions of the specification',
  { skip: skipReason },
  async (t) => {
    const found = await exportedStructures();
    let compared = 0;
    for (const [name, entry] of Object.entries(readReference('structures')).filter(([, each]) =>
      isSupported(each),
    )) {
      const schema = found.get(schemaName(name));
      if (schema === undefined) continue;
      compared++;
      // Era fields and merged fields have their own tests.
      const plain = Object.entries(schema.fields).filter(
        (pair): pair is [string, Field] => pair[1].kind === 'field',
      );
      const expected = entry.fields.filter((field) => isSupported({ since: field.since ?? '1.0' }));
      const keys = new Set(plain.map(([key, field]) => field.tag ?? key));
      const others = expected.filter(
        (field) => !field.tag.startsWith('@') && !keys.has(field.tag as TagName),
      );
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
  },
);

t.test(
  'every transparent format has its fields in the order of the common structure',
  { skip: skipReason },
  (t) => {
    const order = Object.keys(TransparentKeyMaterial.fields);
    const formats = Object.entries(readReference('structures')).filter(
      ([name, each]) => name.startsWith('KeyMaterial[') && isSupported(each),
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
  return { tag: field.tag, quantity, since: field.since, until: lastVersion(field) };
}

function describe(structure: string, entry: ReferenceStructure, field: Described): string {
  const quantity = Object.hasOwn(lenient, `${structure}.${field.tag}`) ? 'lenient' : field.quantity;
  const known = versions.filter(
    (version) =>
      isWithin(version, entry.since as Version, lastVersion(entry) as Version) &&
      isWithin(version, (field.since ?? '1.0') as Version, field.until as Version),
  );
  return `${field.tag} ${quantity} ${known.join(' ')}`;
}
