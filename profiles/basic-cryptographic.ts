import type { Profile } from './profile.ts';

/** Encrypt and Decrypt. */
export const basicCryptographic: Profile = {
  name: 'Basic Cryptographic Server',
  servers: {
    '1.2': 'BasicCryptographicServerKMIPV1_2',
    '1.3': 'BasicCryptographicServerKMIPV1_3',
    '1.4': 'BasicCryptographicServerKMIPV1_4',
    '2.0': 'BasicCryptographicServer',
    '2.1': 'BasicCryptographicServer',
  },
  cases: ['CS-BC-M-*'],
  supported: true,
};
