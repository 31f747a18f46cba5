import type { Profile } from './profile.ts';

/** TTLV messages in POST requests over HTTPS. */
export const https: Profile = {
  name: 'HTTPS Server',
  servers: {
    '1.0': 'HTTPSServerKMIPV1_0',
    '1.1': 'HTTPSServerKMIPV1_1',
    '1.2': 'HTTPSServerKMIPV1_2',
    '1.3': 'HTTPSServerKMIPV1_3',
    '1.4': 'HTTPSServerKMIPV1_4',
    '2.0': 'HTTPSServer',
    '2.1': 'HTTPSServer',
  },
  cases: ['MSGENC-*'],
  encoding: 'ttlv',
  supported: true,
};
