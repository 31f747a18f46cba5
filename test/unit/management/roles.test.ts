import { readFileSync } from 'node:fs';
import t from 'tap';
import { type AdministratorRole, administratorRoles } from '../../../src/identity/administrator.ts';
import type { ManagementBackends, MethodName, ParamsOf } from '../../../src/management/api.ts';
import { approvableMethods } from '../../../src/management/approval-rule.ts';
import { callMethod } from '../../../src/management/call.ts';
import { AccessDeniedError } from '../../../src/management/errors.ts';
import { limits, methodRoles, requireMethodPermission } from '../../../src/management/roles.ts';
import { namelessCaller, samples } from './samples.ts';

/**
 * What each role may, written a second time: admin, operator, auditor; `+` yes, `-` no, `~` only what the
 * samples below say.
 */
const expected: { readonly [M in MethodName]: string } = {
  'client.list': '+++',
  'client.find': '+++',
  'client.show': '+++',
  'client.add': '+--',
  'client.setDisabled': '++-',
  'client.remove': '+--',
  'client.endpoint': '+++',
  'client.setEndpoint': '+--',
  'credential.list': '+++',
  'credential.addPassword': '+--',
  'credential.addDevice': '+--',
  'credential.addOneTimePasswords': '+--',
  'credential.checkOneTimePasswords': '+--',
  'credential.remove': '+--',
  'object.show': '+++',
  'object.mark': '+--',
  'object.unmark': '+--',
  'object.purge': '+~~',
  'object.restorable': '+++',
  'object.restore': '++-',
  'audit.list': '+++',
  'policy.explain': '+++',
  'grant.add': '+--',
  'grant.list': '+++',
  'grant.remove': '+--',
  'quota.set': '+--',
  'quota.list': '+++',
  'quota.remove': '+--',
  'node.list': '+++',
  'node.remove': '+~~',
  'node.renew': '++-',
  'vault.status': '+++',
  'vault.receiver': '+++',
  'vault.unseal': '+--',
  'vault.prepareRoot': '+--',
  'vault.values': '+++',
  'vault.addRoot': '+--',
  'vault.keepRoot': '+--',
  'vault.tokenLogin': '++-',
  'vault.rotate': '+~-',
  'vault.rewrap': '++~',
  'vault.retire': '+--',
  'tokenKey.list': '+++',
  'tokenKey.objects': '+++',
  'tokenKey.remove': '+--',
  'crl.issuers': '+++',
  'crl.make': '++-',
  'crl.revoke': '+--',
  'approval.list': '+++',
  'approval.approve': '++-',
  'approval.reject': '++-',
  'approval.outcome': '++-',
  'admin.list': '+++',
  'admin.show': '+++',
  'admin.add': '+--',
  'admin.reset': '+--',
  'admin.setDisabled': '+--',
  'admin.remove': '+--',
};

/** Of methods with limits: parameters that are within them, and others. */
const limited: { readonly [M in MethodName]?: readonly [within: ParamsOf<M>, beyond: ParamsOf<M>] } = {
  'object.purge': [
    { after: 0, destroyedUntil: 1, dryRun: true },
    { after: 0, destroyedUntil: 1, dryRun: false },
  ],
  'node.remove': [{ name: '5d0c8a1b2c3d' }, { name: '5d0c8a1b2c3d', commits: 0 }],
  'vault.rotate': [{ renewsSecrets: false }, { renewsSecrets: true }],
  'vault.rewrap': [
    { table: 'managed_object', after: 0, dryRun: true },
    { table: 'managed_object', after: 0, dryRun: false },
  ],
};

const methods = Object.keys(expected) as MethodName[];

/** Whether a role may call a method so. */
function may<M extends MethodName>(role: AdministratorRole, method: M, params: ParamsOf<M>): boolean {
  try {
    requireMethodPermission(role, method, params);
    return true;
  } catch (error) {
    if (error instanceof AccessDeniedError) return false;
    throw error;
  }
}

t.test('every method has a cell for every role, and it is the expected one', (t) => {
  t.strictSame(Object.keys(methodRoles).toSorted(), methods.toSorted());
  t.strictSame(Object.keys(samples).toSorted(), methods.toSorted());
  t.strictSame(Object.keys(limits).toSorted(), Object.keys(limited).toSorted());
  for (const method of methods) {
    t.equal(Object.keys(methodRoles[method]).length, administratorRoles.length, method);
    for (const [at, role] of administratorRoles.entries()) {
      const cell = expected[method][at];
      const [within, beyond] = limited[method] ?? [];
      const cases = [...samples[method], ...(within === undefined ? [] : [within, beyond])];
      for (const params of cases) {
        const isPermitted = cell === '+' || (cell === '~' && params !== beyond && params === within);
        if (cell === '~' && params !== within && params !== beyond) continue;
        t.equal(
          may(role, method, params as never),
          isPermitted,
          `${role} ${method} ${JSON.stringify(params)}`,
        );
      }
    }
  }
  t.end();
});

t.test('what the table does not name is refused', (t) => {
  for (const role of administratorRoles)
    for (const method of ['client.none', 'toString', 'constructor'])
      t.notOk(may(role, method as MethodName, {} as never), `${role} ${method}`);
  t.notOk(may('root' as AdministratorRole, 'client.list', {}));
  t.notOk(may('toString' as AdministratorRole, 'client.list', {}));
  t.end();
});

t.test('a method that the role may not call does not run', async (t) => {
  // Each access to a backend would throw a TypeError.
  const backends = undefined as unknown as ManagementBackends;
  for (const method of methods)
    for (const [at, role] of administratorRoles.entries())
      if (expected[method][at] === '-')
        for (const params of samples[method])
          await t.rejects(
            callMethod(backends, { ...namelessCaller, role }, method, params as never, async () => {}),
            AccessDeniedError,
            `${role} ${method}`,
          );
});

/**
 * The methods by which an admin could come to a key in steps, each alone or with a client that it enrols. No
 * other role may call one of them.
 */
const leadToKeys: { readonly [M in MethodName]?: string } = {
  'client.add': 'a client of his own in the group of the key fetches it',
  'credential.addPassword': 'a stolen certificate is enough then',
  'credential.addDevice': 'likewise',
  'credential.addOneTimePasswords': 'likewise',
  'credential.remove': 'likewise: the second factor goes',
  'client.setEndpoint': 'the server sends new keys there',
  'object.mark': 'Sensitive keys leave under a key of his own',
  'grant.add': 'a client of his own in another group fetches the key',
  'vault.prepareRoot': 'the root becomes one that he knows',
  'vault.addRoot': 'likewise',
  'vault.keepRoot': 'likewise',
  'admin.add': 'another administrator of his own',
  'admin.reset': 'he becomes another administrator',
  'admin.setDisabled': 'an administrator that was disabled comes back',
};

t.test('operator and auditor may take no step that leads to a key', (t) => {
  for (const method of Object.keys(leadToKeys) as MethodName[])
    for (const role of ['operator', 'auditor'] as const)
      for (const params of samples[method]) t.notOk(may(role, method, params as never), `${role} ${method}`);
  t.end();
});

t.test('the documentation names the methods that can be under the two-person rule', (t) => {
  const page = readFileSync(new URL('../../../docs/administrators.md', import.meta.url), 'utf8');
  const [, list = ''] = /^\* Methods that can be under the rule: (.*?)\. /m.exec(page) ?? [];
  t.strictSame(list.split(', ').toSorted(), approvableMethods.map((method) => `\`${method}\``).toSorted());
  t.end();
});

t.test('the documentation has the table', (t) => {
  const page = readFileSync(new URL('../../../docs/administrators.md', import.meta.url), 'utf8');
  const words = new Map<unknown, string>([
    [true, 'yes'],
    [false, '–'],
  ]);
  const rows = methods.map((method) => {
    const cells = administratorRoles.map((role) => {
      const cell = methodRoles[method][role];
      return words.get(cell) ?? limits[method]?.text;
    });
    return `| \`${method}\` | ${cells.join(' | ')} |`;
  });
  const found = page.split('\n').filter((line) => /^\| `[a-z]+[A-Za-z]*\.[a-zA-Z]+`/.test(line));
  t.strictSame(found.toSorted(), rows.toSorted());
  t.end();
});
