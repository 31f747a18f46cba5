import type { Profile } from './profile.ts';

/** RSA key pairs and their links. */
export const asymmetricKeyLifecycle: Profile = {
  name: 'Asymmetric Key Lifecycle Server',
  servers: {
    '1.0': 'AsymmetricKeyLifecycleServerKMIPV1_0',
    '1.1': 'AsymmetricKeyLifecycleServerKMIPV1_1',
    '1.2': 'AsymmetricKeyLifecycleServerKMIPV1_2',
    '1.3': 'AsymmetricKeyLifecycleServerKMIPV1_3',
    '1.4': 'AsymmetricKeyLifecycleServerKMIPV1_4',
    '2.0': 'AsymmetricKeyLifecycleServer',
    '2.1': 'AsymmetricKeyLifecycleServer',
  },
  cases: ['AKLC-M-*', 'AKLC-O-*'],
  supported: true,
};
