import { configKey } from './config-key.ts';
import * as values from './values.ts';

/** The keys about what needs more than one decision: two persons, or time. */
export const ruleKeys = {
  approvalMethods: configKey(
    'approval.methods',
    [],
    values.readTexts,
    'Methods that two administrators do together, such as ["client.remove", "object.mark"]; docs/administrators.md.',
  ),
  approvalOperations: configKey(
    'approval.operations',
    [],
    values.readTexts,
    'Operations that clients do with the approval of an administrator: "Destroy", "Get", "Export", "Revoke", "Archive".',
  ),
  approvalRoles: configKey(
    'approval.roles',
    [],
    values.readTexts,
    'Roles of the clients to which approval.operations applies; an empty list stands for every role.',
  ),
  approvalHours: configKey(
    'approval.hours',
    24,
    values.integerBetween(1, 720),
    'Hours for which a request of an administrator or a client waits for the approval of another administrator.',
  ),
  destroyWaitingDays: configKey(
    'destroy.waitingDays',
    0,
    values.integerBetween(0, 3_650),
    'Days for which `kmipd object restore` brings back what clients have destroyed; 0: it is gone at once.',
  ),
  destroyRoles: configKey(
    'destroy.roles',
    [],
    values.readTexts,
    'Roles of the clients whose objects are kept so; with `groups` also empty, the objects of every client.',
  ),
  destroyGroups: configKey(
    'destroy.groups',
    [],
    values.readTexts,
    'Groups of the clients whose objects are kept so, whatever their role.',
  ),
};
