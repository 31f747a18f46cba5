import t from 'tap';
import type { AuditedObject } from '../../src/audit/audit.ts';
import { type CustomRoles, describeRoles } from '../../src/identity/policy.ts';
import { valueOperations } from '../../src/operations/value-operations.ts';
import { findTrialRefusal } from '../../src/protocol/policy-trial.ts';

/** What roles would have made of items of the audit log; `cli/policy-try` has the command. */

const operations = [...valueOperations, 'Activate', 'GetAttributes'];
const rolesOf = (states: readonly string[]) => {
  const custom: CustomRoles = { lab: { operations, states } };
  return new Map(describeRoles(custom).map((role) => [role.name, role]));
};
const keyIn = (state: string): AuditedObject => ({ id: state, type: 'SymmetricKey', state });
const rule = 'roles.lab.states';

t.test('states bind what uses or gives out values, and nothing else', async (t) => {
  const roles = rolesOf(['Active']);
  const of = (operation: string, ...states: string[]) =>
    findTrialRefusal({ operation, objects: states.map(keyIn) }, 'lab', roles);
  const makers = ['DeriveKey', 'JoinSplitKey', 'CreateSplitKey'];
  for (const operation of valueOperations) {
    if (makers.includes(operation)) continue;
    t.equal(of(operation, 'Active'), undefined, operation);
    t.equal(of(operation, 'PreActive'), rule, operation);
  }
  for (const operation of ['Activate', 'GetAttributes']) t.equal(of(operation, 'PreActive'), undefined);
});

t.test('an object that the item has made was used by nobody', async (t) => {
  const roles = rolesOf(['Active']);
  const of = (operation: string, ...states: string[]) =>
    findTrialRefusal({ operation, objects: states.map(keyIn) }, 'lab', roles);
  for (const operation of ['DeriveKey', 'JoinSplitKey']) {
    t.equal(of(operation, 'Active', 'Active', 'PreActive'), undefined, operation);
    t.equal(of(operation, 'Active', 'Compromised', 'PreActive'), rule, operation);
  }
  t.equal(of('CreateSplitKey', 'PreActive', 'PreActive'), undefined);
});

t.test('what was done without the approval that it would need is found', async (t) => {
  const rule = { operations: ['Destroy', 'Get'], roles: ['lab'] };
  const roles = new Map(
    describeRoles({ lab: ['full'], other: ['full'] }, rule).map((role) => [role.name, role]),
  );
  const of = (operation: string, more: object = {}, role = 'lab') =>
    findTrialRefusal({ operation, objects: [keyIn('Active')], ...more }, role, roles);
  const [needed, certificate] = ['approval.operations', { id: 'c', type: 'Certificate' }];
  t.equal(of('Destroy'), needed);
  t.equal(of('Destroy', { isApproved: true }), undefined);
  t.equal(of('Destroy', {}, 'other'), undefined);
  t.equal(of('Get', { wrapped: false }), needed);
  t.equal(of('Get', { wrapped: false, isApproved: true }), undefined);
  t.equal(of('Get', { wrapped: true }), undefined);
  t.equal(of('Get', { wrapped: false, objects: [certificate] }), undefined);
  t.equal(of('Export', { wrapped: false }), undefined);
  t.equal(of('GetAttributes'), undefined);
});
