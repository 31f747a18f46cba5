import type { Profile } from './profile.ts';

/** Messages as XML over HTTPS. */
export const xml: Profile = {
  name: 'XML Server',
  servers: {
    '1.0': 'XMLServerKMIPV1_0',
    '1.1': 'XMLServerKMIPV1_1',
    '1.2': 'XMLServerKMIPV1_2',
    '1.3': 'XMLServerKMIPV1_3',
    '1.4': 'XMLServerKMIPV1_4',
    '2.0': 'XMLServer',
    '2.1': 'XMLServer',
  },
  cases: ['MSGENC-*'],
  encoding: 'xml',
  supported: true,
};
