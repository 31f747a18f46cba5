import type { AuditEntry, ChainedEntry } from '../../../../src/audit/audit.ts';

/** Entries of the audit log for tests of its sinks. */

/** An entry with everything in it. */
export const fullEntry: AuditEntry = {
  time: Date.UTC(2026, 10, 29, 1, 2, 3, 45),
  kind: 'message',
  node: '0a1b2c3d4e5f',
  actor: { client: 'vcenter01', group: 'vsphere', role: 'vcenter', bearer: 'proxy' },
  connection: { peer: '10.0.0.7:50000', id: 'c1' },
  version: '1.4',
  clientCorrelation: 'client-1',
  serverCorrelation: 'server-1',
  items: [
    {
      operation: 'Get',
      objects: [
        {
          id: 'key-1',
          type: 'SymmetricKey',
          state: 'Active',
          algorithm: 'AES',
          length: 256,
          names: ['a=b|c'],
        },
        { id: 'key-2' },
      ],
      more: 3,
      format: 'Raw',
      wrapped: true,
      result: 'Success',
      rule: 'role vcenter: Get',
      details: { jobs: 2, pending: false, note: 'x' },
    },
    { operation: 'Locate', found: 7, result: 'OperationFailed', reason: 'PermissionDenied' },
  ],
};

export const chained = (entry: AuditEntry, number = 0, chain = 'c0ffee'): ChainedEntry => ({
  ...{ chain, number },
  text: JSON.stringify(entry),
});

/** A small entry with its number in it. */
export const numbered = (number: number, chain = 'c0ffee'): ChainedEntry =>
  chained(
    {
      time: 1_700_000_000_000 + number,
      kind: 'message',
      node: '0a1b2c3d4e5f',
      items: [{ operation: 'Get', objects: [{ id: `key-${number}` }], result: 'Success' }],
    },
    number,
    chain,
  );

export const checkpoint = [
  'kmipd checkpoint 2',
  'store 8f41  incarnation 3  keyring 7  time 2026-11-29T01:02:03Z  previous AAAA',
  'lane a  seq 5  state BBBB  records 4  head CCCC',
  'sign 20261129 DDDD  signed-by 20261128 EEEE',
  '',
].join('\n');
