import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { Operation } from '../../codec/enums.ts';
import { alwaysGranted, extraPermissions, presets, RolePolicy } from '../../src/identity/policy.ts';

/** The operations that each product is known to send, by the role for it; each line is one product. */
const sent: Readonly<Record<string, readonly (readonly [product: string, operations: string])[]>> = {
  barbican: [['OpenStack Barbican', 'Create CreateKeyPair Register Get Destroy']],
  ceph: [
    ['Ceph radosgw', 'Create Locate Get'],
    ['Rook', 'Register Get Destroy'],
    ['ceph-csi', 'Get Encrypt Decrypt'],
  ],
  edb: [['EDB Postgres TDE', 'Create Activate Encrypt Decrypt']],
  fortigate: [['FortiOS', 'Locate Get']],
  'hpe-datafabric': [
    ['HPE Data Fabric', 'DiscoverVersions Create Register Locate Get Activate ReKey Revoke Destroy'],
  ],
  iris: [['InterSystems IRIS', 'Create Locate Get Destroy']],
  mongodb: [
    ['Percona Server for MongoDB', 'Register Activate Get GetAttributes'],
    ['MongoDB Enterprise', 'Create Activate Locate Get GetAttributes'],
    ['libmongocrypt', 'Register Activate Get'],
    ['libmongocrypt, delegated', 'Query Create Activate Encrypt Decrypt'],
  ],
  'mysql-enterprise': [
    [
      'MySQL keyring_okv',
      'Query Create Register Locate Get GetAttributes GetAttributeList AddAttribute ModifyAttribute DeleteAttribute Activate Revoke Destroy',
    ],
  ],
  ontap: [['NetApp ONTAP', 'Register Locate Get Destroy']],
  openbao: [['OpenBao seal', 'GetAttributes Encrypt Decrypt']],
  'percona-mysql': [['Percona keyring_kmip', 'Register Activate Locate Get GetAttributes Revoke Destroy']],
  'pg-tde': [
    ['pg_tde 2.0, kmippp', 'Register Locate Get'],
    ['pg_tde, kmipclient', 'DiscoverVersions Query Register Locate Get GetAttributes'],
  ],
  scylladb: [['ScyllaDB', 'Query Locate Create Activate Get GetAttributes']],
  synology: [
    [
      'DSM 7',
      'DiscoverVersions Query Locate Register ModifyAttribute Activate GetAttributeList GetAttributes Get',
    ],
    ['DSM 7, other volumes', 'Create Activate GetAttributes ModifyAttribute Get Locate Revoke Destroy'],
  ],
  vast: [
    [
      'VAST Data',
      'DiscoverVersions Create AddAttribute Activate Locate Get GetAttributes ReKey Revoke Destroy',
    ],
  ],
  vcenter: [['VMware vCenter', 'DiscoverVersions Query Create Get GetAttributes Activate AddAttribute']],
  veeam: [['Veeam Backup & Replication', 'Locate CreateKeyPair Activate Get Destroy']],
};

/** Roles of no product. */
const general = new Set(['full', 'read-only']);

t.test('a built-in role grants what its products send, and nothing else', (t) => {
  const policy = new RolePolicy();
  t.same(
    Object.keys(presets)
      .filter((role) => !general.has(role))
      .sort(),
    Object.keys(sent).sort(),
  );
  for (const [role, products] of Object.entries(sent)) {
    for (const [product, operations] of products) {
      for (const operation of operations.split(' '))
        t.ok(policy.permits(role, operation), `${role}: ${product} sends ${operation}`);
    }
    const needed = new Set(products.flatMap(([, operations]) => operations.split(' ')));
    for (const operation of [...Operation.members, ...extraPermissions]) {
      const expected = needed.has(operation) || alwaysGranted.has(operation);
      t.equal(policy.permits(role, operation), expected, `${role}: ${operation}`);
    }
  }
  t.end();
});

t.test('the documentation lists the operations of each role', (t) => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/clients.md'), 'utf8');
  const rows = [...page.matchAll(/^\| `([a-z-]+)` \| [^|]+ \| ([A-Za-z, ]+) \|$/gm)];
  const listed = Object.fromEntries(rows.map(([, role = '', list = '']) => [role, list.split(', ').sort()]));
  for (const role of Object.keys(sent)) t.same(listed[role], [...(presets[role] ?? [])].sort(), role);
  t.same(Object.keys(listed).sort(), Object.keys(sent).sort());
  t.end();
});
