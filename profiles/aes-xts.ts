import type { Profile } from './profile.ts';

/** AES-XTS: two linked keys that Get returns wrapped. */
export const aesXts: Profile = {
  name: 'AES XTS Server',
  servers: {
    '2.0': 'AESXTSServer',
    '2.1': 'AESXTSServer',
  },
  cases: ['AX-M-*'],
  supported: true,
};
