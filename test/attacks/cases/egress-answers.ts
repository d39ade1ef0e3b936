/** A compromised egress worker: what it tells the gateway of a call's ticket and connections. It can only end calls. */
import type { ConnectionRecord } from '../../../main/contract/channels.ts';
import { outcomeCodeSchema, type OutcomeCode } from '../../../main/contract/errors.ts';
import type { Attack } from './case.ts';

type Connection = Omit<ConnectionRecord, 'callId'>;
export interface EgressAttack extends Attack {
  readonly connections: readonly Connection[];
  readonly refuseTicket: OutcomeCode | undefined;
}

const connection: Connection = {
  connector: 'probe',
  destination: 'database',
  address: 'localhost:1',
  startedAt: 1,
  durationMs: 1,
  bytesToBackend: 1,
  bytesFromBackend: 1,
};

const lies: readonly [name: string, connections: readonly Connection[], code: Attack['code']][] = [
  ['a connection of another connector', [{ ...connection, connector: 'postgres' }], 'released'],
  ['a destination that is not declared', [{ ...connection, destination: 'elsewhere' }], 'released'],
  ['a connection that never was', [{ ...connection, startedAt: 0, durationMs: 1e9 }], 'released'],
  [
    'sizes whose sum is no number that is kept',
    Array.from({ length: 100 }, () => ({ ...connection, bytesFromBackend: Number.MAX_SAFE_INTEGER })),
    'released',
  ],
  ['more connections than there can be', Array.from({ length: 101 }, () => connection), 'connector_failed'],
  ['an address of 10,000 characters', [{ ...connection, address: 'a'.repeat(10_000) }], 'connector_failed'],
  ['bytes below zero', [{ ...connection, bytesFromBackend: -1 }], 'connector_failed'],
  [
    'one good connection and one that was cut',
    [connection, { ...connection, code: 'backend_certificate' }],
    'backend_certificate',
  ],
];

const attack = (name: string, code: Attack['code'], more: Partial<EgressAttack>): EgressAttack => ({
  adversary: 'compromised egress worker',
  name,
  code,
  connections: [],
  refuseTicket: undefined,
  ...more,
});

export const egressAnswers: readonly EgressAttack[] = [
  ...lies.map(([name, connections, code]) => attack(name, code, { connections })),
  ...outcomeCodeSchema.options
    // Its own faults are the connector's to the outside.
    .map((code) => [code, code === 'internal' ? 'connector_failed' : code] as const)
    .map(([refuseTicket, code]) => attack(`that the ticket is refused as ${refuseTicket}`, code, { refuseTicket })),
];
