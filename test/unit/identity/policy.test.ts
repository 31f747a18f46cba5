import t from 'tap';
import { Operation } from '../../../codec/enums.ts';
import {
  alwaysGranted,
  type CustomRoles,
  describeRoles,
  extraPermissions,
  findRoleProblems,
  hashRoles,
  presets,
  RolePolicy,
} from '../../../src/identity/policy.ts';
import type { CustomRole, RoleTable } from '../../../src/identity/role-table.ts';

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

t.test('findRoleProblems explains a role that names no operation or is built in', (t) => {
  const problemOf = (name: string, role: CustomRole) => findRoleProblems(name, role).join('\n');
  t.equal(problemOf('mine', ['Get', 'read-only', 'ImportReplace']), '');
  t.match(problemOf('mine', ['Gett']), /^"roles.mine": "Gett" is neither.*did you mean "Get"/);
  t.match(problemOf('mine', ['readonly']), /did you mean "read-only"/);
  t.match(problemOf('mine', ['toString']), /neither/);
  t.match(problemOf('full', ['Get']), /built in/);
  t.match(problemOf('a.b', { operations: ['Gett'] }), /^"roles."a.b".operations": "Gett" is neither/);
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

t.test('RolePolicy names the entry that decides', (t) => {
  const policy = new RolePolicy({
    lab: ['Check', 'vcenter'],
    backup: { operations: ['Locate', 'Get', 'veeam'], formats: ['Raw'] },
    'of "x"': { operations: ['Get'] },
  });
  for (const [role, permission, rule] of [
    ['lab', 'Get', 'roles.lab[1]'],
    ['lab', 'Check', 'roles.lab[0]'],
    ['lab', 'Encrypt', 'roles.lab'],
    ['lab', 'Query', 'every role'],
    ['backup', 'Get', 'roles.backup.operations[1]'],
    ['backup', 'Destroy', 'roles.backup.operations[2]'],
    ['backup', 'Encrypt', 'roles.backup.operations'],
    ['of "x"', 'Get', 'roles."of \\"x\\"".operations[0]'],
    ['veeam', 'Get', 'built-in veeam'],
    ['veeam', 'Encrypt', 'built-in veeam'],
    ['nobody', 'Get', undefined],
  ] as const)
    t.equal(policy.ruleOf(role, permission), rule, `${role} ${permission}`);
  t.equal(policy.ruleOfRestriction('backup', 'formats'), 'roles.backup.formats');
  t.equal(policy.ruleOfRestriction('lab', 'formats'), undefined);
  t.end();
});

t.test('a role without restrictions has none, and others have them as data', (t) => {
  const policy = new RolePolicy({
    list: ['Get'],
    table: { operations: ['Get'], wrapping: 'optional' },
    backup: { operations: ['Get'], algorithms: ['RSA>=3072', 'AES=256'], wrapping: 'required' },
  });
  for (const role of ['list', 'table', 'full', 'nobody']) t.equal(policy.restrictions(role), undefined, role);
  const restrictions = policy.restrictions('backup');
  t.match(restrictions, { isWrappingRequired: true, formats: undefined, states: undefined });
  t.same(restrictions?.algorithms, [
    { algorithm: 'AES', comparison: '=', bits: 256 },
    { algorithm: 'RSA', comparison: '>=', bits: 3072 },
  ]);
  t.equal(policy.restrictions('backup'), restrictions, 'made once');
  t.end();
});

t.test('a role needs approvals as the rule says, and the hash of a policy tells so', (t) => {
  const rules = [
    { operations: [], roles: [] },
    { operations: ['Destroy'], roles: [] },
    { operations: ['Destroy', 'Get'], roles: [] },
    { operations: ['Destroy', 'Get'], roles: ['a', 'b'] },
    { operations: ['Destroy', 'Get'], roles: ['a'] },
  ] as const;
  const custom = { a: ['Get'], b: ['Get'], c: ['Get'] };
  const needs = ([role, operation]: readonly ['a' | 'b' | 'c' | 'none', 'Get' | 'Destroy' | 'Revoke']) =>
    rules.map((rule) => (new RolePolicy(custom, rule).needsApproval(role, operation) ? 'x' : '-')).join('');
  t.equal(needs(['a', 'Destroy']), '-xxxx');
  t.equal(needs(['b', 'Get']), '--xx-');
  t.equal(needs(['c', 'Get']), '--x--');
  t.equal(needs(['a', 'Revoke']), '-----');
  t.equal(needs(['none', 'Get']), '-----', 'a role that is not defined permits nothing');
  const hashes = rules.map((rule) => hashRoles(describeRoles(custom, rule)).toHex());
  t.equal(new Set(hashes).size, rules.length);
  t.equal(hashes[0], hashRoles(describeRoles(custom)).toHex());
  const reordered = { operations: ['Get', 'Destroy', 'Get'], roles: ['b', 'a'] };
  t.equal(hashRoles(describeRoles(custom, reordered)).toHex(), hashes[3]);
  const policy = new RolePolicy({ a: ['Get'] }, rules[4]);
  policy.replace({ ...custom, d: ['Get'] });
  t.ok(policy.needsApproval('a', 'Get'), 'a reload keeps the rule');
  t.end();
});

t.test('the hash of a policy tells what is permitted, whatever the order and the entries', (t) => {
  const hash = (custom: CustomRoles) => hashRoles(describeRoles(custom)).toHex();
  const table = {
    operations: ['Get', 'Locate'],
    formats: ['Raw', 'PKCS_8'],
    algorithms: ['AES', 'RSA>=2048'],
  };
  const reordered = {
    states: undefined,
    algorithms: ['RSA >= 2048', 'AES', 'AES'],
    formats: ['PKCS_8', 'Raw'],
    operations: ['Locate', 'Get', 'fortigate'],
  } as unknown as RoleTable;
  t.match(hash({}), /^[0-9a-f]{16}$/);
  t.equal(hash({ a: table, b: ['Get'] }), hash({ b: { operations: ['Get'] }, a: reordered }));
  t.equal(hash({ a: ['fortigate'] }), hash({ a: ['Get', 'Locate'] }));
  const different: CustomRoles[] = [
    {},
    { a: ['Get'] },
    { b: ['Get'] },
    { a: ['Get', 'Locate'] },
    { a: table },
    { a: { ...table, wrapping: 'required' } },
    { a: { ...table, states: ['Active'] } },
    { a: { ...table, objectTypes: ['SymmetricKey'] } },
    { a: { ...table, formats: ['Raw'] } },
    { a: { ...table, algorithms: ['AES', 'RSA=2048'] } },
    { veeam: ['Get'] },
  ];
  t.equal(new Set(different.map(hash)).size, different.length);
  const policy = new RolePolicy({ a: table });
  t.equal(policy.hash.toHex(), hash({ a: table }));
  policy.replace({});
  t.equal(policy.hash.toHex(), hash({}));
  t.end();
});
