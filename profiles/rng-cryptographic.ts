import type { Profile } from './profile.ts';

/** RNG Retrieve and RNG Seed. */
export const rngCryptographic: Profile = {
  name: 'RNG Cryptographic Server',
  servers: {
    '1.2': 'RNGCryptographicServerKMIPV1_2',
    '1.3': 'RNGCryptographicServerKMIPV1_3',
    '1.4': 'RNGCryptographicServerKMIPV1_4',
    '2.0': 'RNGCryptographicServer',
    '2.1': 'RNGCryptographicServer',
  },
  cases: ['CS-RNG-M-*'],
  supported: true,
};
