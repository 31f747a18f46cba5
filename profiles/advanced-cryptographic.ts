import type { Profile } from './profile.ts';

/** Sign, Signature Verify, MAC, MAC Verify and Hash beside Encrypt and Decrypt. */
export const advancedCryptographic: Profile = {
  name: 'Advanced Cryptographic Server',
  servers: {
    '1.2': 'AdvancedCryptographicServerKMIPV1_2',
    '1.3': 'AdvancedCryptographicServerKMIPV1_3',
    '1.4': 'AdvancedCryptographicServerKMIPV1_4',
    '2.0': 'AdvancedCryptographicServer',
    '2.1': 'AdvancedCryptographicServer',
  },
  cases: ['CS-AC-M-*'],
  supported: true,
};
