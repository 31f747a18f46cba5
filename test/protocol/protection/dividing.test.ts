import t from 'tap';
import type { Attribute } from '../../../codec/attribute.ts';
import type { Version } from '../../../codec/version.ts';
import { Create } from '../../../src/operations/creation/create.ts';
import { CreateSplitKey } from '../../../src/operations/creation/create-split-key.ts';
import { Revoke } from '../../../src/operations/lifecycle/revoke.ts';
import { aes, having, outcome, succeed, versionsOf } from '../operations/ask.ts';
import { active, mask } from '../operations/transfer/wrapping-keys.ts';
import { TestService } from '../service.ts';
import { type Protection, protections, protectLater } from './flow-inputs.ts';
import { methods, splitting } from './split-inputs.ts';

const strict = await TestService.open();
const kmip = await TestService.open({ protection: 'kmip' });
t.teardown(() => Promise.all([strict.close(), kmip.close()]));

const versions = versionsOf(CreateSplitKey);
const past: Attribute = { name: 'ActivationDate', value: 1_000 };
const reasons = ['Superseded', 'KeyCompromise'] as const;

/** Lifecycles of a key, and whether it may still protect data. */
const lifecycles: readonly (readonly [
  name: string,
  mayProtect: boolean,
  attributes: readonly Attribute[],
  reason?: (typeof reasons)[number],
])[] = [
  ['Pre-Active', true, []],
  ['Active', true, [active]],
  ['past its Protect Stop Date', false, [past, { name: 'ProtectStopDate', value: 2_000 }]],
  ['past its Deactivation Date', false, [past, { name: 'DeactivationDate', value: 2_000 }]],
  ['Deactivated', false, [active], 'Superseded'],
  ['Compromised', false, [active], 'KeyCompromise'],
];
const masks = [
  ['Encrypt', 'Decrypt'],
  ['Encrypt', 'Decrypt', 'Export'],
  ['WrapKey', 'UnwrapKey'],
  ['Unrestricted'],
] as const;

/** Makes a key of the protection, mask and lifecycle. */
async function makeKey(
  service: TestService,
  protection: Protection,
  uses: (typeof masks)[number],
  [, , attributes, RevocationReasonCode]: (typeof lifecycles)[number],
): Promise<string> {
  const { UniqueIdentifier } = await succeed(service, '2.1', Create, {
    ObjectType: 'SymmetricKey',
    Attributes: having(...aes.slice(0, 2), mask(...uses), ...attributes, ...protection.first),
  });
  await protectLater(service, UniqueIdentifier, protection);
  if (RevocationReasonCode !== undefined)
    await succeed(service, '2.1', Revoke, { UniqueIdentifier, RevocationReason: { RevocationReasonCode } });
  return UniqueIdentifier;
}

for (const [service, mode] of [
  [strict, 'strict'],
  [kmip, 'kmip'],
] as const) {
  t.test(`a protected key is divided only if it may leave and protect data: ${mode}`, async (t) => {
    for (const protection of protections) {
      for (const uses of masks) {
        for (const lifecycle of lifecycles) {
          const [name, mayProtect] = lifecycle;
          const id = await makeKey(service, protection, uses, lifecycle);
          const mayLeave = uses.some((use) => use === 'Export' || use === 'Unrestricted');
          const isLocked = !['none', 'Sensitive'].includes(protection.name);
          const expected = (version: Version) => {
            if (mode === 'kmip' || protection.name === 'none') return 'Success';
            if (isLocked) return version === '1.2' ? 'PermissionDenied' : 'NotExtractable';
            if (!mayProtect) return version === '2.1' ? 'WrongKeyLifecycleState' : 'PermissionDenied';
            if (mayLeave) return 'Success';
            return version.startsWith('1.') ? 'PermissionDenied' : 'IncompatibleCryptographicUsageMask';
          };
          for (const version of versions)
            t.equal(
              await outcome(service, version, CreateSplitKey, splitting(id, 'XOR')),
              expected(version),
              `${version} ${protection.name}, ${uses.join(' ')}, ${name}`,
            );
        }
      }
    }
  });
}

t.test('a key that is generated for its parts is divided, whatever its protection', async (t) => {
  for (const { first } of protections)
    for (const method of methods)
      for (const version of versions)
        t.equal(
          await outcome(
            strict,
            version,
            CreateSplitKey,
            splitting(undefined, method, ...aes, ...(version < '1.4' ? [] : first)),
          ),
          'Success',
          `${version} ${method}`,
        );
});
