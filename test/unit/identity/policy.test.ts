import t from 'tap';
import { Operation } from '../../../codec/enums.ts';
import {
  alwaysGranted,
  describeRoles,
  extraPermissions,
  presets,
  RolePolicy,
  roleProblem,
} from '../../../src/identity/policy.ts';

const operations: readonly string[] = [...Operation.members, ...extraPermissions];

t.test('RolePolicy permits an operation to a built-in role exactly when the role lists it', (t) => {
  const policy = new RolePolicy();
  for (const [role, granted] of Object.entries(presets)) {
    for (const operation of operations) {
      const expected = granted.includes(operation) || alwaysGranted.has(operation);
      t.equal(policy.permits(role, operation), expected, `${role} ${operation}`);
    }
  }
  t.end();
});

t.test('built-in roles list operations of KMIP, each once', (t) => {
  for (const [role, granted] of Object.entries(presets)) {
    t.same(
      granted.filter((operation) => !operations.includes(operation)),
      [],
      role,
    );
    t.equal(new Set(granted).size, granted.length, role);
  }
  t.same(
    operations.filter((operation) => !presets.full?.includes(operation)),
    ['ImportAsIs', 'UseProtectedPassword', 'ForeignNames', 'GroupPolicy'],
  );
  t.end();
});

t.test('RolePolicy denies operations that change keys to roles that only read', (t) => {
  const policy = new RolePolicy();
  for (const operation of [
    'Create',
    'Register',
    'Activate',
    'Revoke',
    'Destroy',
    'ModifyAttribute',
    'Import',
  ]) {
    t.notOk(policy.permits('read-only', operation), operation);
    t.notOk(policy.permits('fortigate', operation), operation);
  }
  t.notOk(policy.permits('vcenter', 'Destroy'), 'vCenter never destroys');
  t.end();
});

t.test('RolePolicy permits an unknown role only the operations that are always granted', (t) => {
  const policy = new RolePolicy();
  for (const role of ['', 'nobody', 'toString', '__proto__', 'constructor']) {
    for (const operation of operations) {
      t.equal(policy.permits(role, operation), alwaysGranted.has(operation), `${role} ${operation}`);
    }
  }
  t.notOk(policy.permits('full', 'NoSuchOperation'));
  t.notOk(policy.permits('full', 'toString'));
  t.end();
});

t.test('RolePolicy adds and replaces roles when a configuration defines them', (t) => {
  const policy = new RolePolicy({ backup: ['read-only', 'Export'], vcenter: ['Get'] });
  t.ok(policy.permits('backup', 'Export'));
  t.ok(policy.permits('backup', 'Get'), 'from the built-in role');
  t.notOk(policy.permits('backup', 'Create'));
  t.notOk(policy.permits('vcenter', 'Create'), 'replaces the built-in role');
  t.ok(policy.roles.some(({ name }) => name === 'backup'));
  policy.replace({});
  t.notOk(policy.permits('backup', 'Get'), 'gone after a reload');
  t.ok(policy.permits('vcenter', 'Create'));
  t.end();
});

t.test('only the role full has the permissions beside the operations', (t) => {
  const policy = new RolePolicy({ mine: ['Import'], other: ['Import', 'ImportReplace'] });
  for (const { name: role } of policy.roles)
    t.equal(policy.permits(role, 'ImportReplace'), role === 'full' || role === 'other', role);
  for (const permission of ['ImportAsIs', 'UseProtectedPassword', 'ForeignNames', 'GroupPolicy']) {
    policy.replace({ mover: ['full', permission] });
    for (const { name: role } of policy.roles)
      t.equal(policy.permits(role, permission), role === 'mover', role);
  }
  t.end();
});

t.test('roleProblem explains a role that names no operation or is built in', (t) => {
  t.equal(roleProblem('mine', ['Get', 'read-only', 'ImportReplace']), undefined);
  t.match(roleProblem('mine', ['Gett']), /"Gett" is neither.*did you mean "Get"/);
  t.match(roleProblem('mine', ['readonly']), /did you mean "read-only"/);
  t.match(roleProblem('mine', ['toString']), /neither/);
  t.match(roleProblem('full', ['Get']), /built in/);
  t.end();
});

t.test('describeRoles says which entries of a role grant a permission', (t) => {
  const roles = describeRoles({ lab: ['vcenter', 'Get', 'Get'], edb: ['Get'] });
  t.same(
    roles.map(({ name }) => name),
    [...Object.keys(presets).filter((name) => name !== 'edb'), 'lab', 'edb'],
  );
  const find = (name: string) => roles.find((role) => role.name === name);
  t.same(find('lab')?.permissions.get('Get'), ['vcenter', 'Get']);
  t.same(find('lab')?.permissions.get('Create'), ['vcenter']);
  t.same(
    roles.map(({ origin }) => origin).filter((origin) => origin !== 'built-in'),
    ['configured', 'replaced'],
  );
  t.end();
});
