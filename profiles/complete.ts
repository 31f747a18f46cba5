import type { Profile } from './profile.ts';

/** The whole specification. */
export const complete: Profile = {
  name: 'Complete Server',
  servers: {
    '1.2': 'CompleteServerBasicKMIPV1_2',
    '1.3': 'CompleteServerBasicKMIPV1_3',
    '1.4': 'CompleteServerBasicKMIPV1_4',
    '2.0': 'CompleteServerBasic',
    '2.1': 'CompleteServer',
  },
  cases: [],
  supported: false,
  missing: 'attestation is refused',
};
