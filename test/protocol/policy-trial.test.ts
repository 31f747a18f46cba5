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
