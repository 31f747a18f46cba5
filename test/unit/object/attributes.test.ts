import t from 'tap';
import { type AttributeName, attributeTable } from '../../../codec/attribute-table.ts';
import { attributeRules, type Change } from '../../../src/object/attributes.ts';
import { isSupported, readReference, skipReason } from '../codec/reference.ts';

t.test('every attribute of the codec has a rule, and no other', async (t) => {
  t.same(Object.keys(attributeRules).sort(), Object.keys(attributeTable).sort());
});

t.test('a client can neither change nor delete attributes of the server', async (t) => {
  for (const [name, { source, modify, delete: remove }] of Object.entries(attributeRules)) {
    if (source === 'server' || source === 'derived') t.same([modify, remove], ['never', 'never'], name);
  }
});

/** Rules in the reference for one era. */
interface Rules {
  alwaysHasValue: string;
  initiallySetBy: string;
  modifiableByClient: string;
  deletableByClient: string;
  multiInstance: string;
  implicitlySetBy?: string[];
  appliesTo: string;
}

const changes: Record<string, Change> = {
  no: 'never',
  'no (changes only through operations)': 'never',
  yes: 'always',
  'while State = PreActive': 'preActive',
  'while State in {PreActive,Active} and the date has not been reached': 'beforeDate',
  'while State in {PreActive,Active}': 'beforeDeactivation',
  'total/unit only, before any GetUsageAllocation': 'unallocated',
};

const deletions: Record<string, string> = {
  no: 'never',
  yes: 'always',
  'before any GetUsageAllocation': 'unallocated',
};

const types: Record<string, string[] | undefined> = {
  'All Objects': undefined,
  Certificates: ['Certificate'],
  'X.509 Certificates': ['Certificate'],
  'Certificates, PGP keys': ['Certificate', 'PGPKey'],
  'Opaque Objects': ['OpaqueObject'],
  'Public Keys, Private Keys': ['PublicKey', 'PrivateKey'],
};

const creatingOperations = [
  'Create',
  'CreateKeyPair',
  'Register',
  'DeriveKey',
  'Certify',
  'ReCertify',
  'ReKey',
  'ReKeyKeyPair',
];

/** Operations of occasions in the reference; the server has no rotation yet. */
const occasions: Record<string, string[]> = {
  'object creation/registration': creatingOperations,
  'change of Sensitive': creatingOperations,
  'change of Extractable': creatingOperations,
  'Register (key value absent)': ['Register'],
  rotation: [],
};

/** Attributes of rotation, which the server sets only on request. */
const onlyOnRequest: readonly string[] = ['RotateInterval', 'RotateOffset'];

t.test('every rule is as in the specification', { skip: skipReason }, async (t) => {
  const rows = readReference('attributes') as Record<string, { since: string; '1.x'?: Rules; '2.x'?: Rules }>;
  for (const [name, row] of Object.entries(rows).filter(([, row]) => isSupported(row as never))) {
    // Custom and vendor attributes have no tag of their own.
    if (name === 'CustomAttribute' || name === 'Attribute(Vendor)') continue;
    const rules = row['2.x'] ?? row['1.x'];
    const rule = attributeRules[name as AttributeName];
    if (rules === undefined) {
      t.fail(`${name} has no rules`);
      continue;
    }
    t.equal(rule.always, rules.alwaysHasValue.startsWith('yes'), `${name}: always has a value`);
    t.equal(rule.modify, changes[rules.modifiableByClient], `${name}: modifiable`);
    t.equal(rule.delete, deletions[rules.deletableByClient], `${name}: deletable`);
    t.equal(rule.multiple, rules.multiInstance.startsWith('yes'), `${name}: several instances`);
    t.same(rule.types, types[rules.appliesTo.replace(/^All .*/, 'All Objects')], `${name}: applies to`);
    t.equal(sourceInReference(rule.source), sourceOf(rules.initiallySetBy), `${name}: source`);
    if (!onlyOnRequest.includes(name)) {
      const origins = (rules.implicitlySetBy ?? []).flatMap((occasion) => occasions[occasion] ?? [occasion]);
      t.same([...rule.origins].sort(), origins.sort(), `${name}: set implicitly by`);
    }
  }
});

function sourceInReference(source: string): string {
  return source === 'derived' ? 'server' : source;
}

/** The source in a text such as `client; server only fills …`. */
function sourceOf(initiallySetBy: string): string {
  if (initiallySetBy.startsWith('client; ')) return 'client';
  const [client, server] = ['client', 'server'].map((who) => initiallySetBy.includes(who));
  if (client && server && !initiallySetBy.startsWith('client;')) return 'either';
  return client ? 'client' : 'server';
}
