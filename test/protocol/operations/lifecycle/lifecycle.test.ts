import t from 'tap';
import type { Attribute } from '../../../../codec/attribute.ts';
import { Create } from '../../../../src/operations/creation/create.ts';
import { Activate } from '../../../../src/operations/lifecycle/activate.ts';
import { Archive } from '../../../../src/operations/lifecycle/archive.ts';
import { Check } from '../../../../src/operations/lifecycle/check.ts';
import { Destroy } from '../../../../src/operations/lifecycle/destroy.ts';
import { ObtainLease } from '../../../../src/operations/lifecycle/obtain-lease.ts';
import { Recover } from '../../../../src/operations/lifecycle/recover.ts';
import { Revoke } from '../../../../src/operations/lifecycle/revoke.ts';
import { Locate } from '../../../../src/operations/locate.ts';
import type { AnyOperation } from '../../../../src/operations/operation.ts';
import { Get } from '../../../../src/operations/transfer/get.ts';
import { Register } from '../../../../src/operations/transfer/register.ts';
import { enumerated, structure } from '../../../client.ts';
import { TestService, uid } from '../../service.ts';
import {
  ask,
  attributeOf,
  having,
  named,
  outcome,
  refuses,
  storedKey,
  succeed,
  testedVersions,
} from '../ask.ts';

const service = await TestService.open();
t.teardown(() => service.close());

const day = 86_400;
const seconds = () => service.now / 1000;
const at = (UniqueIdentifier: string) => ({ UniqueIdentifier });
const because = (RevocationReasonCode: string) => ({ RevocationReason: { RevocationReasonCode } });
const dated = (name: 'ActivationDate' | 'DeactivationDate', value: number): Attribute => ({ name, value });

/** Creates keys in every state by requests of clients. */
const inState: Record<string, () => Promise<string>> = {
  PreActive: () => storedKey(service),
  Active: () => storedKey(service, dated('ActivationDate', seconds())),
  Deactivated: () => moved('Active', Revoke, because('CessationOfOperation')),
  Compromised: () => moved('PreActive', Revoke, because('KeyCompromise')),
  Destroyed: () => moved('PreActive', Destroy, {}),
  DestroyedCompromised: () => moved('Compromised', Destroy, {}),
};

async function moved(from: string, operation: AnyOperation, request: object): Promise<string> {
  const id = await (inState[from] as () => Promise<string>)();
  await succeed(service, '2.1', operation, { ...at(id), ...request });
  return id;
}

const cessation = because('CessationOfOperation');
const compromise = because('KeyCompromise');
const wrongState = ['PermissionDenied', 'PermissionDenied', 'WrongKeyLifecycleState'] as const;
const destroyedReasons = ['ItemNotFound', 'ObjectDestroyed', 'ObjectDestroyed'] as const;

/** For each state and operation the next state, or the reasons in 1.x, 2.0 and 2.1. */
const table: [operation: AnyOperation, request: object, Record<string, string | readonly string[]>][] = [
  [
    Activate,
    {},
    {
      PreActive: 'Active',
      Active: wrongState,
      Deactivated: wrongState,
      Compromised: wrongState,
      Destroyed: destroyedReasons,
    },
  ],
  [
    Revoke,
    cessation,
    {
      PreActive: wrongState,
      Active: 'Deactivated',
      Deactivated: wrongState,
      Compromised: wrongState,
      Destroyed: wrongState,
    },
  ],
  [
    Revoke,
    compromise,
    {
      PreActive: 'Compromised',
      Active: 'Compromised',
      Deactivated: 'Compromised',
      Compromised: wrongState,
      Destroyed: 'DestroyedCompromised',
      DestroyedCompromised: wrongState,
    },
  ],
  [
    Destroy,
    {},
    {
      PreActive: 'Destroyed',
      Active: wrongState,
      Deactivated: 'Destroyed',
      Compromised: 'DestroyedCompromised',
      Destroyed: ['PermissionDenied', 'ObjectDestroyed', 'ObjectDestroyed'],
    },
  ],
  [
    Get,
    {},
    {
      PreActive: 'PreActive',
      Active: 'Active',
      Deactivated: 'Deactivated',
      Compromised: 'Compromised',
      Destroyed: destroyedReasons,
    },
  ],
];

t.test('lifecycle operations change or refuse every state in every version', async (t) => {
  for (const [operation, request, expected] of table) {
    for (const [from, to] of Object.entries(expected)) {
      for (const version of testedVersions) {
        const id = await (inState[from] as () => Promise<string>)();
        const actual = await outcome(service, version, operation, { ...at(id), ...request });
        const expectedReason =
          typeof to === 'string' ? 'Success' : to[version === '2.1' ? 2 : version === '2.0' ? 1 : 0];
        const name = `${version} ${operation.name} ${JSON.stringify(request)} from ${from}`;
        t.equal(actual, expectedReason, name);
        t.equal(await attributeOf(service, id, 'State'), typeof to === 'string' ? to : from, name);
      }
    }
  }
});

t.test('lifecycle operations answer the identifier and set the dates', async (t) => {
  for (const version of testedVersions) {
    const id = await storedKey(service);
    for (const [operation, request, date] of [
      [Activate, {}, 'ActivationDate'],
      [Archive, {}, undefined],
      [Recover, {}, undefined],
      [Revoke, cessation, 'DeactivationDate'],
      [Destroy, {}, 'DestroyDate'],
    ] as const) {
      const { fields, id: actual } = await ask(service, version, operation as AnyOperation, {
        ...at(id),
        ...request,
      });
      t.equal(`${fields} ${actual}`, `UniqueIdentifier ${id}`, `${version} ${operation.name}`);
      if (date !== undefined) t.equal(await attributeOf(service, id, date), seconds());
    }
  }
  const id = await storedKey(service);
  await succeed(service, '2.1', Revoke, { ...at(id), ...compromise, CompromiseOccurrenceDate: 1000 });
  t.equal(await attributeOf(service, id, 'CompromiseDate'), seconds());
  t.equal(await attributeOf(service, id, 'CompromiseOccurrenceDate'), 1000);
  t.match(await attributeOf(service, id, 'RevocationReason'), { RevocationReasonCode: 'KeyCompromise' });
});

t.test('a key changes its state when a date passes', async (t) => {
  const start = seconds();
  const id = await storedKey(
    service,
    dated('ActivationDate', start + day),
    dated('DeactivationDate', start + 2 * day),
  );
  const found = async (state: string) => {
    const attributes: Attribute[] = [{ name: 'State', value: state as 'Active' }];
    return (await succeed(service, '2.1', Locate, { Attributes: attributes })).UniqueIdentifier.includes(id);
  };
  for (const [after, state] of [
    [0, 'PreActive'],
    [day - 1, 'PreActive'],
    [day, 'Active'],
    [2 * day - 1, 'Active'],
    [2 * day, 'Deactivated'],
    [1000 * day, 'Deactivated'],
  ] as const) {
    service.now = (start + after) * 1000;
    for (const version of testedVersions)
      t.equal(await attributeOf(service, id, 'State', version), state, `${after} ${version}`);
    for (const name of ['PreActive', 'Active', 'Deactivated'])
      t.equal(await found(name), name === state, `Locate ${name}`);
  }
  t.equal(
    await outcome(service, '2.1', Destroy, at(id)),
    'Success',
    'a key whose time is over can be destroyed',
  );
  service.now = start * 1000;
  t.equal(
    await attributeOf(service, id, 'State'),
    'Destroyed',
    'a clock that is set back brings nothing back',
  );
});

t.test('operations on an object refuse missing, archived and destroyed objects', async (t) => {
  const bare = await TestService.open();
  t.teardown(() => bare.close());
  const archived = await storedKey(bare);
  await succeed(bare, '2.1', Archive, at(archived));
  for (const [operation, request] of [
    [Activate, {}],
    [Revoke, cessation],
    [Destroy, {}],
    [Archive, {}],
    [Check, {}],
    [ObtainLease, {}],
    [Get, {}],
  ] as const) {
    await refuses(t, bare, operation as AnyOperation, [
      ['an unknown object', { ...at('nobody'), ...request }, 'ItemNotFound', 'ObjectNotFound'],
      ['no object', { ...request }, 'ItemNotFound', 'ObjectNotFound'],
      ['an archived object', { ...at(archived), ...request }, 'ObjectArchived'],
    ]);
  }
  await refuses(t, bare, Recover, [['an unknown object', at('nobody'), 'ItemNotFound', 'ObjectNotFound']]);
  const id = await storedKey(bare, dated('ActivationDate', bare.now / 1000));
  const code = (value: number) => [
    uid(id),
    structure('RevocationReason', enumerated('RevocationReasonCode', value)),
  ];
  await refuses(t, bare, Revoke, [
    ['a reason nobody knows', code(99), 'InvalidField'],
    ['no reason', at(id), 'InvalidMessage'],
  ]);
});

t.test('lifecycle operations refuse a Template', async (t) => {
  const { UniqueIdentifier: id } = await succeed(service, '1.2', Register, {
    ObjectType: 'Template',
    Attributes: having(named('no state')),
    Object: { type: 'Template', value: { Attributes: [] } },
  });
  t.equal(await outcome(service, '1.2', Activate, at(id)), 'IllegalOperation');
  t.equal(await outcome(service, '2.1', Revoke, { ...at(id), ...compromise }), 'InvalidObjectType');
  t.equal(await outcome(service, '1.2', Destroy, at(id)), 'Success');
});

t.test('Archive and Recover change the storage status', async (t) => {
  const id = await storedKey(service);
  const archive = { StorageStatusMask: 2, Attributes: [] };
  await succeed(service, '1.4', Archive, at(id));
  t.ok((await succeed(service, '1.4', Locate, archive)).UniqueIdentifier.includes(id));
  t.notOk((await succeed(service, '1.4', Locate, { Attributes: [] })).UniqueIdentifier.includes(id));
  await succeed(service, '1.4', Recover, at(id));
  t.equal(await outcome(service, '1.4', Get, at(id)), 'Success');
  t.equal(await outcome(service, '1.4', Recover, at(id)), 'Success', 'nothing to recover is no mistake');
});

t.test('Check refuses each condition without the allowed amount', async (t) => {
  const limits: Attribute = {
    name: 'UsageLimits',
    value: { UsageLimitsTotal: 10n, UsageLimitsUnit: 'Object' },
  };
  const id = await storedKey(service, limits);
  for (const version of testedVersions) {
    const all = { ...at(id), UsageLimitsCount: 10n, CryptographicUsageMask: 12, LeaseTime: 60 };
    t.equal((await ask(service, version, Check, all)).fields, 'UniqueIdentifier', version);
    t.equal((await ask(service, version, Check, at(id))).status, 'Success');
  }
  await refuses(t, service, Check, [
    [
      'a bit the mask has not',
      { ...at(id), CryptographicUsageMask: 1 },
      'PermissionDenied',
      'IncompatibleCryptographicUsageMask',
    ],
    ['more than the limits', { ...at(id), UsageLimitsCount: 11n }, 'PermissionDenied', 'UsageLimitExceeded'],
    ['a longer lease', { ...at(id), LeaseTime: 2 ** 31 }, 'PermissionDenied'],
  ]);
});

t.test('Check allows every use when the mask contains Unrestricted', async (t) => {
  const mask: Attribute = { name: 'CryptographicUsageMask', value: 0x200000 };
  const request = { ObjectType: 'SecretData', Attributes: having(mask) };
  const { UniqueIdentifier: id } = await succeed(service, '2.1', Create, request);
  t.equal(await outcome(service, '2.1', Check, { ...at(id), CryptographicUsageMask: 12 }), 'Success');
});

t.test('Obtain Lease answers Lease Time and Last Change Date', async (t) => {
  const id = await storedKey(service);
  for (const version of testedVersions) {
    const { payload, fields } = await ask(service, version, ObtainLease, at(id));
    t.equal(fields, 'UniqueIdentifier LeaseTime LastChangeDate', version);
    t.equal(payload.LeaseTime, 3600);
    t.equal(payload.LastChangeDate, seconds());
  }
});
