import { didYouMean } from './suggest.ts';

/**
 * The two-person rule for operations of clients (docs/decisions/63-approval-of-client-operations.md): what
 * can be under it, and by which operations of a request that comes about.
 *
 * | under the rule | what needs an approval |
 * | --- | --- |
 * | Destroy | the end of a stored value: Destroy, and Import with Replace Existing |
 * | Get, Export | a secret value that leaves in the clear, or wrapped by a key that clients may know |
 * | Revoke | Revoke, dates by which an object ends or begins later, a copy that states the end of an object |
 * | Archive | Archive |
 */
export const approvableOperations = {
  Destroy: ['Destroy', 'Import'],
  Get: ['Get'],
  Export: ['Export'],
  Revoke: 'every operation',
  Archive: ['Archive'],
} as const satisfies Readonly<Record<string, readonly string[] | 'every operation'>>;

export type ApprovableOperation = keyof typeof approvableOperations;

const names = Object.keys(approvableOperations) as readonly ApprovableOperation[];

/** The operations that the rule can name. */
export const isApprovable = (name: string): name is ApprovableOperation =>
  Object.hasOwn(approvableOperations, name);

/** Which operations of which clients need the approval of an administrator. */
export interface ClientApprovalRule {
  readonly operations: readonly string[];
  /** Roles of the clients; none: clients of every role. */
  readonly roles: readonly string[];
}

/** What needs an approval, for who reads about one name of the rule. */
export const approvalTexts: Readonly<Record<ApprovableOperation, string>> = {
  Destroy: 'Destroy, and Import that replaces an object',
  Get: 'Get of a secret value in the clear, or wrapped by a key that clients may know',
  Export: 'Export of a secret value in the clear, or wrapped by a key that clients may know',
  Revoke: 'Revoke, and dates that stand for it',
  Archive: 'Archive',
};

/** The rule of a configuration that sets none. */
export const noClientApprovals: ClientApprovalRule = { operations: [], roles: [] };

/** Returns what is wrong with a rule, one line each. `roles`: the names of those that are defined. */
export function findApprovalProblems(rule: ClientApprovalRule, roles: readonly string[]): readonly string[] {
  const operation = rule.operations.find((name) => !isApprovable(name));
  const role = rule.roles.find((name) => !roles.includes(name));
  return [
    ...(operation === undefined
      ? []
      : [
          `"approval.operations": "${operation}" cannot be under the two-person rule${didYouMean(operation, names)}; those that can are ${names.join(', ')}`,
        ]),
    ...(role === undefined
      ? []
      : [`"approval.roles": the role "${role}" is not defined${didYouMean(role, roles)}`]),
    ...(rule.roles.length > 0 && rule.operations.length === 0
      ? ['"approval.roles" needs "approval.operations": without operations nothing is under the rule']
      : []),
  ];
}

/** Methods of the management service by which one administrator alone could become a client that asks. */
const enrollingMethods: readonly string[] = [
  'client.add',
  'credential.addPassword',
  'credential.addDevice',
  'credential.addOneTimePasswords',
];

/**
 * Returns what of a rule can be walked around, one line each. `methods`: those that two administrators do
 * together.
 */
export function findApprovalGaps({
  operations,
  methods,
}: Pick<ClientApprovalRule, 'operations'> & { readonly methods: readonly string[] }): readonly string[] {
  const gaps: string[] = [];
  const [listed, missing] = operations.includes('Get') ? ['Get', 'Export'] : ['Export', 'Get'];
  if (operations.includes(listed) && !operations.includes(missing))
    gaps.push(
      `"approval.operations" names "${listed}" and not "${missing}": clients whose role permits ${missing} take values out by it alone`,
    );
  const alone = enrollingMethods.filter((method) => !methods.includes(method));
  if (operations.length > 0 && alone.length > 0)
    gaps.push(
      `"approval.methods" lacks ${alone.join(', ')}: an administrator who enrols a client can ask as that client and approve it`,
    );
  return gaps;
}

/** Returns the operations of a role that are under the rule. */
export function approvalsOfRole(
  { operations, roles }: ClientApprovalRule,
  role: string,
): ReadonlySet<ApprovableOperation> {
  const isMeant = roles.length === 0 || roles.includes(role);
  return new Set(isMeant ? operations.filter(isApprovable) : []);
}

/**
 * Whether an item of that operation may need an approval, of a client for which `needsApproval` tells the
 * operations under the rule.
 */
export function mayNeedApproval(
  operation: string | number,
  needsApproval: (operation: ApprovableOperation) => boolean,
): boolean {
  return names.some((name) => {
    const by: readonly string[] | string = approvableOperations[name];
    return needsApproval(name) && (typeof by === 'string' || by.includes(String(operation)));
  });
}
