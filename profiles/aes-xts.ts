import type { Profile } from './profile.ts';

/** Two linked keys, fetched wrapped. */
export const aesXts: Profile = {
  name: 'AES XTS Server',
  servers: {
    '2.0': 'AESXTSServer',
    '2.1': 'AESXTSServer',
  },
  cases: ['AX-M-*'],
  supported: true,
};
