import t from 'tap';
import { Operation } from '../../../codec/enums.ts';
import { alwaysGranted, presets, RolePolicy, roleProblem } from '../../../src/identity/policy.ts';

const operations: readonly string[] = Operation.members;

t.test('every operation × every role: granted exactly when it is listed', (t) => {
  const policy = new RolePolicy();
  for (const [role, granted] of Object.entries(presets)) {
    for (const operation of operations) {
      const expected = granted.includes(operation) || alwaysGranted.has(operation);
      t.equal(policy.permits(role, operation), expected, `${role} ${operation}`);
    }
  }
  t.end();
});

t.test('presets name operations of KMIP, each once', (t) => {
  for (const [role, granted] of Object.entries(presets)) {
    t.same(
      granted.filter((operation) => !operations.includes(operation)),
      [],
      role,
    );
    t.equal(new Set(granted).size, granted.length, role);
  }
  t.equal(presets.full?.length, operations.length);
  t.end();
});

t.test('what changes keys is in no reading role', (t) => {
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

t.test('an unknown role may only ask what everybody may', (t) => {
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

t.test('roles of the configuration', (t) => {
  const policy = new RolePolicy({ backup: ['read-only', 'Export'], vcenter: ['Get'] });
  t.ok(policy.permits('backup', 'Export'));
  t.ok(policy.permits('backup', 'Get'), 'from the preset');
  t.notOk(policy.permits('backup', 'Create'));
  t.notOk(policy.permits('vcenter', 'Create'), 'took the place of the preset');
  t.ok(policy.roles.includes('backup'));
  policy.replace({});
  t.notOk(policy.permits('backup', 'Get'), 'gone after a reload');
  t.ok(policy.permits('vcenter', 'Create'));
  t.end();
});

t.test('roles that are refused', (t) => {
  t.equal(roleProblem('mine', ['Get', 'read-only']), undefined);
  t.match(roleProblem('mine', ['Gett']), /"Gett" is neither.*did you mean "Get"/);
  t.match(roleProblem('mine', ['readonly']), /did you mean "read-only"/);
  t.match(roleProblem('mine', ['toString']), /neither/);
  t.match(roleProblem('full', ['Get']), /built in/);
  t.end();
});
