import type { Profile } from './profile.ts';

/** Messages as JSON over HTTPS. */
export const json: Profile = {
  name: 'JSON Server',
  servers: {
    '1.0': 'JSONServerKMIPV1_0',
    '1.1': 'JSONServerKMIPV1_1',
    '1.2': 'JSONServerKMIPV1_2',
    '1.3': 'JSONServerKMIPV1_3',
    '1.4': 'JSONServerKMIPV1_4',
    '2.0': 'JSONServer',
    '2.1': 'JSONServer',
  },
  cases: ['MSGENC-*'],
  encoding: 'json',
  supported: true,
};
