import type { Profile } from './profile.ts';

/** Protection Level, Protection Period and Quantum Safe; refuses what is not safe. */
export const quantumSafe: Profile = {
  name: 'Quantum Safe Server',
  servers: {
    '2.0': 'QuantumSafeServer',
    '2.1': 'QuantumSafeServer',
  },
  cases: ['QS-M-*'],
  supported: true,
};
