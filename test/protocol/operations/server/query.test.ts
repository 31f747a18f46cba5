import t from 'tap';
import { type HashingAlgorithm, ObjectType, QueryFunction } from '../../../../codec/enums.ts';
import { eraOf, isWithin, versionNumbers, versions } from '../../../../codec/version.ts';
import { Cancel } from '../../../../src/operations/asynchronous/cancel.ts';
import { Poll } from '../../../../src/operations/asynchronous/poll.ts';
import { Hash } from '../../../../src/operations/cryptography/hash.ts';
import { RNGRetrieve } from '../../../../src/operations/cryptography/rng-retrieve.ts';
import { RNGSeed } from '../../../../src/operations/cryptography/rng-seed.ts';
import { operationsIn } from '../../../../src/operations/index.ts';
import { DiscoverVersions } from '../../../../src/operations/server/discover-versions.ts';
import { Interop } from '../../../../src/operations/server/interop.ts';
import { Log } from '../../../../src/operations/server/log.ts';
import { Ping } from '../../../../src/operations/server/ping.ts';
import { Query } from '../../../../src/operations/server/query.ts';
import { enumerated } from '../../../client.ts';
import { TestService } from '../../service.ts';
import { ask, outcome, refuses, succeed, versionsOf } from '../ask.ts';

const service = await TestService.open();
t.teardown(() => service.close());

/** Fields that each function may add to the answer; no others are allowed. */
const fieldsOf: Readonly<Record<string, string>> = {
  QueryOperations: 'Operation',
  QueryObjects: 'ObjectType',
  QueryServerInformation: 'VendorIdentification ServerInformation',
  QueryRNGs: 'RNGParameters',
  QueryProfiles: 'ProfileInformation',
  QueryCapabilities: 'CapabilityInformation',
  QueryClientRegistrationMethods: 'ClientRegistrationMethod',
  QueryDefaultsInformation: 'DefaultsInformation',
  QueryStorageProtectionMasks: 'ProtectionStorageMasks',
};

t.test('Query answers every Query Function in every version', async (t) => {
  for (const version of versions) {
    for (const name of QueryFunction.members) {
      // A version reads a newer function as an unknown number.
      const asked = [enumerated('QueryFunction', QueryFunction.toNumber(name))];
      const { status, fields, payload } = await ask(service, version, Query, asked);
      t.equal(status, 'Success', `${version} ${name}`);
      const expected = QueryFunction.isIntroducedBy(name, version) ? (fieldsOf[name] ?? '') : '';
      t.ok(['', expected].includes(fields), `${version} ${name}: ${fields}`);
      if (name === 'QueryOperations') t.same(payload.Operation, operationsIn(version, false));
      if (name === 'QueryObjects')
        t.ok(payload.ObjectType.every((type) => ObjectType.isKnownIn(type, version)));
    }
  }
});

t.test('Query answers the required fields', async (t) => {
  for (const version of versions) {
    const { payload, fields } = await ask(service, version, Query, {
      QueryFunction: ['QueryServerInformation', 'QueryObjects', 'QueryOperations'],
    });
    t.equal(
      fields,
      'Operation ObjectType VendorIdentification ServerInformation',
      'in the order of the answer',
    );
    t.equal(payload.Operation.length, new Set(payload.Operation).size);
    t.ok(payload.ObjectType.includes('SymmetricKey'));
    t.equal(payload.ObjectType.includes('Template'), eraOf(version) === '1.x');
    t.equal(payload.ObjectType.includes('PGPKey'), isWithin(version, '1.2'));
    t.equal(payload.ObjectType.includes('CertificateRequest'), isWithin(version, '2.0'));
  }
});

t.test('Query answers all functions at once with the sum of their answers', async (t) => {
  for (const version of versions) {
    const known = QueryFunction.members.filter((name) => QueryFunction.isKnownIn(name, version));
    const one = await Promise.all(
      known.map((name) => ask(service, version, Query, { QueryFunction: [name] })),
    );
    const all = await ask(service, version, Query, { QueryFunction: known });
    const sum = new Set(one.flatMap(({ fields }) => fields.split(' ')).filter((field) => field !== ''));
    t.same(new Set(all.fields.split(' ')), sum, version);
  }
});

t.test('Query refuses a request without function', async (t) => {
  await refuses(t, service, Query, [['no function', {}, 'InvalidMessage']]);
  const ObjectGroups = { ObjectGroup: ['none'] };
  const request = { QueryFunction: ['QueryOperations'], ObjectGroups };
  t.equal(await outcome(service, '2.1', Query, request), 'UnknownObjectGroup');
  t.equal(
    await outcome(service, '2.1', Query, { QueryFunction: Array(4000).fill('QueryOperations') }),
    'Success',
  );
});

t.test(
  'Discover Versions lists the supported versions, newest first, limited to those of the client',
  async (t) => {
    const numbers = (version: (typeof versions)[number]) => {
      const { major, minor } = versionNumbers(version);
      return { ProtocolVersionMajor: major, ProtocolVersionMinor: minor };
    };
    for (const version of versions.slice(1)) {
      const all = await succeed(service, version, DiscoverVersions, {});
      t.same(all.ProtocolVersion, versions.toReversed().map(numbers), version);
      const asked = [{ ProtocolVersionMajor: 9, ProtocolVersionMinor: 0 }, numbers('1.2'), numbers('2.0')];
      const some = await succeed(service, version, DiscoverVersions, { ProtocolVersion: asked });
      t.same(some.ProtocolVersion, [numbers('2.0'), numbers('1.2')]);
      const none = await succeed(service, version, DiscoverVersions, { ProtocolVersion: asked.slice(0, 1) });
      t.same(none.ProtocolVersion, []);
    }
  },
);

t.test('Ping, Log and Interop answer without fields', async (t) => {
  t.equal((await ask(service, '2.1', Ping, {})).fields, '');
  t.equal((await ask(service, '2.0', Log, { LogMessage: 'two\nlines' })).fields, '');
  t.same(service.logged, ['two\nlines']);
  const begin = { InteropFunction: 'Begin', InteropIdentifier: 'case' };
  t.equal(await outcome(service, '2.1', Interop, begin), 'OperationNotSupported');
  const testing = await TestService.open({ interop: true });
  t.teardown(() => testing.close());
  for (const version of versionsOf(Interop))
    t.equal(await outcome(testing, version, Interop, begin), 'Success');
});

t.test('Poll and Cancel answer an unknown correlation value', async (t) => {
  const AsynchronousCorrelationValue = Uint8Array.of(1, 2, 3);
  await refuses(t, service, Poll, [
    [
      'a value nobody was given',
      { AsynchronousCorrelationValue },
      'ItemNotFound',
      'InvalidAsynchronousCorrelationValue',
    ],
  ]);
  for (const version of versionsOf(Cancel)) {
    const { payload, fields } = await ask(service, version, Cancel, { AsynchronousCorrelationValue });
    t.equal(fields, 'AsynchronousCorrelationValue CancellationResult');
    t.same(payload.AsynchronousCorrelationValue, AsynchronousCorrelationValue);
    t.equal(payload.CancellationResult, 'Unavailable');
  }
});

t.test('Hash computes known digests', async (t) => {
  const digests: [HashingAlgorithm: HashingAlgorithm, hex: string][] = [
    ['SHA_1', 'a9993e364706816aba3e25717850c26c9cd0d89d'],
    ['SHA_256', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
  ];
  const Data = new TextEncoder().encode('abc');
  for (const version of versionsOf(Hash)) {
    for (const [HashingAlgorithm, hex] of digests) {
      const { payload, fields } = await ask(service, version, Hash, {
        CryptographicParameters: { HashingAlgorithm },
        Data,
      });
      t.equal(fields, 'Data');
      t.equal(payload.Data?.toHex(), hex, `${HashingAlgorithm} ${version}`);
    }
  }
  const SHA = { HashingAlgorithm: 'SHA_256' };
  await refuses(t, service, Hash, [
    [
      'a hash nobody has',
      { CryptographicParameters: { HashingAlgorithm: 'Tiger' }, Data },
      'InvalidField',
      'UnsupportedCryptographicParameters',
    ],
    ['no data', { CryptographicParameters: SHA }, 'InvalidMessage'],
  ]);
});

t.test('RNG Retrieve returns random bytes and RNG Seed uses none', async (t) => {
  for (const version of versionsOf(RNGRetrieve)) {
    const { payload, fields } = await ask(service, version, RNGRetrieve, { DataLength: 32 });
    t.equal(fields, 'Data', version);
    t.equal(payload.Data?.length, 32);
    t.not(
      payload.Data?.toHex(),
      (await succeed(service, version, RNGRetrieve, { DataLength: 32 })).Data?.toHex(),
    );
    t.same(await succeed(service, version, RNGSeed, { Data: Uint8Array.of(1) }), { DataLength: 0 });
  }
  await refuses(t, service, RNGRetrieve, [
    ['fewer than none', { DataLength: -1 }, 'InvalidField'],
    ['more than one answer holds', { DataLength: 65_537 }, 'InvalidField'],
    ['no length', {}, 'InvalidMessage'],
  ]);
});
