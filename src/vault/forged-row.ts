import { type ForgedRow, SealBrokenError, type SealContext } from './vault.ts';

/** Names the row of a box. */
export function rowOf(context: SealContext): ForgedRow {
  switch (context.kind) {
    case 'object':
    case 'value':
      return { table: 'managed_object', id: context.id };
    case 'record':
      return { table: 'sealed_record', id: `${context.recordKind} ${context.key}` };
    case 'lane':
      return { table: 'lane', id: context.name };
    case 'audit':
      return { table: 'audit_block', id: `${context.chain} ${context.first}` };
  }
}

/** Returns the error of a box that does not belong to its row. */
export function brokenSeal(context: SealContext): SealBrokenError {
  const { table, id } = rowOf(context);
  return new SealBrokenError(`the box of ${table} ${JSON.stringify(id)} does not open`);
}
