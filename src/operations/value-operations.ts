import type { OperationName } from './context.ts';

/**
 * Operations that use or give out the values of the objects that they name, or allocate uses of them: the
 * states of a role bind these.
 */
export const valueOperations: ReadonlySet<string> = new Set<OperationName>([
  ...['Get', 'Export', 'GetUsageAllocation'],
  ...['Encrypt', 'Decrypt', 'Sign', 'SignatureVerify', 'MAC', 'MACVerify'],
  ...['DeriveKey', 'CreateSplitKey', 'JoinSplitKey'],
] as const);
