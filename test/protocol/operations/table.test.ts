import t from 'tap';
import { Operation } from '../../../codec/enums.ts';
import { isWithin, versions } from '../../../codec/version.ts';
import { alwaysGranted, presets, RolePolicy } from '../../../src/identity/policy.ts';
import { operations, operationsIn } from '../../../src/operations/index.ts';
import { TestService } from '../service.ts';

t.test('the table has every Operation of the dictionary', async (t) => {
  for (const name of Operation.members) t.ok(operations.has(name), name);
  t.same(
    [...operations.keys()].filter((name) => !Operation.members.includes(name as never)),
    [],
  );
});

t.test('an operation is refused in versions that do not know it', async (t) => {
  const service = await TestService.open();
  t.teardown(() => service.close());
  for (const version of versions) {
    const names = operationsIn(version, false);
    for (const name of Operation.members) {
      const { reason, operation } = await service.call(version, name);
      const offered = operations.get(name);
      const here =
        offered !== undefined && isWithin(version, offered.since, offered.until) && name !== 'Interop';
      const performed = here && offered.direction === undefined;
      t.equal(reason === 'OperationNotSupported', !performed, `${name} in ${version}: ${reason}`);
      t.equal(operation, name, 'repeated in the answer');
      t.equal(names.includes(name), here, `${name} in ${version} is told by Query`);
    }
  }
});

const decidingForAll: readonly string[] = ['SetDefaults', 'SetConstraints'];

function isGranted(role: string, permission: string): boolean {
  const preset: readonly string[] = Object.hasOwn(presets, role) ? (presets[role] ?? []) : [];
  return alwaysGranted.has(permission as never) || preset.includes(permission);
}

t.test('an operation is refused before all other checks when the role does not grant it', async (t) => {
  const policy = new RolePolicy();
  let role = '';
  const service = await TestService.open({ may: (operation) => policy.permits(role, operation) });
  t.teardown(() => service.close());
  for (const name of [...Object.keys(presets), 'nobody', '__proto__']) {
    role = name;
    service.sender = { role };
    for (const { name: operation, direction } of operations.values()) {
      if (operation === 'Interop' || direction === 'server-to-client') continue;
      const { reason } = await service.call('2.1', operation);
      // No built-in role decides for the whole group, see `GroupPolicy`.
      const permissions = decidingForAll.includes(operation) ? [operation, 'GroupPolicy'] : [operation];
      const missing = permissions.find((each) => !isGranted(role, each));
      t.equal(reason === 'PermissionDenied', missing !== undefined, `${role}: ${operation}: ${reason}`);
      const told = service.refusedPermissions.splice(0).map(({ connection: _connection, ...event }) => event);
      const expected = missing === undefined ? [] : [{ client: 'tester', role, operation: missing }];
      t.same(told, expected, `${role}: ${operation}: log`);
    }
  }
});
