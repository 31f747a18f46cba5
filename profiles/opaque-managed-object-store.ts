import type { Profile } from './profile.ts';

/** Opaque objects: Register, Get, Destroy. */
export const opaqueManagedObjectStore: Profile = {
  name: 'Opaque Managed Object Store Server',
  servers: {
    '1.0': 'OpaqueManagedObjectStoreServerKMIPV1_0',
    '1.1': 'OpaqueManagedObjectStoreServerKMIPV1_1',
    '1.2': 'OpaqueManagedObjectStoreServerKMIPV1_2',
    '1.3': 'OpaqueManagedObjectStoreServerKMIPV1_3',
    '1.4': 'OpaqueManagedObjectStoreServerKMIPV1_4',
    '2.0': 'OpaqueManagedObjectStoreServer',
    '2.1': 'OpaqueManagedObjectStoreServer',
  },
  cases: ['OMOS-M-*', 'OMOS-O-*'],
  supported: true,
};
