import type { Profile } from './profile.ts';

/** PKCS#11 calls through the operation PKCS_11. */
export const pkcs11: Profile = {
  name: 'PKCS#11 Server',
  servers: {
    '2.0': 'PKCS_11Server',
    '2.1': 'PKCS_11Server',
  },
  cases: ['PKCS11-M-*'],
  supported: true,
};
