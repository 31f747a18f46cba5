import type { Profile } from './profile.ts';

/** Create, activate, revoke and destroy symmetric keys. */
export const symmetricKeyLifecycle: Profile = {
  name: 'Symmetric Key Lifecycle Server',
  servers: {
    '1.0': 'SymmetricKeyLifecycleServerKMIPV1_0',
    '1.1': 'SymmetricKeyLifecycleServerKMIPV1_1',
    '1.2': 'SymmetricKeyLifecycleServerKMIPV1_2',
    '1.3': 'SymmetricKeyLifecycleServerKMIPV1_3',
    '1.4': 'SymmetricKeyLifecycleServerKMIPV1_4',
    '2.0': 'SymmetricKeyLifecycleServer',
    '2.1': 'SymmetricKeyLifecycleServer',
  },
  cases: ['SKLC-M-*', 'SKLC-O-*'],
  supported: true,
};
