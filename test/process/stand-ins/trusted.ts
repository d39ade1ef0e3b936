/**
 * A process that speaks the shell's control channels and does nothing else: what the supervisor is tested against
 * without the rest of the product. `node trusted.ts gateway|vault|egress`; what it saw comes back in `status`.
 */
import { channelOverFd } from '../../../main/channel/channel-over-socket.ts';
import { receiveHandOvers } from '../../../main/channel/hand-over.ts';
import { inheritedFds } from '../../../main/contract/channels.ts';
import { shellEgress, shellGateway, shellVault } from '../../../main/contract/shell-channels.ts';
import { Fault } from '../../../main/contract/errors.ts';
import { harden } from '../../../main/secrets/harden.ts';

const kind = process.argv[2];
const report = { ...harden(), lockedMemory: false };
const seen: string[] = [];
/** Nobody finishes a sign-in here; a newer one ends it. */
let replace: (() => void) | undefined;
const done = Promise.resolve({});
const base = {
  hardening: () => Promise.resolve(report),
  stop: () => {
    setTimeout(() => process.exit(0), 20);
    return done;
  },
  configure: () => {
    seen.push('configure');
    return done;
  },
};
const onClose = (): void => process.exit(0);
const fd = inheritedFds.shell;

if (kind === 'gateway') {
  channelOverFd<typeof shellGateway, 'b'>({
    fd,
    contract: shellGateway,
    side: 'b',
    handlers: {
      notices: {
        record: (record) => void seen.push(`record ${record.event === 'lifecycle' ? record.what : record.event}`),
        'definitions-decided': ({ connector }) => void seen.push(`${connector} decided`),
        'connector-state': ({ connector, state }) => void seen.push(`${connector} ${state}`),
      },
      requests: {
        ...base,
        'connector-configured': ({ connector }) => {
          seen.push(`${connector} configured`);
          return done;
        },
        listen: () => {
          seen.push('listen');
          return done;
        },
        pause: ({ paused }) => {
          seen.push(paused ? 'paused' : 'resumed');
          return done;
        },
        consent: ({ allowed, denied }) => {
          if (allowed.length + denied.length > 0) seen.push(`allowed ${allowed.join()} denied ${denied.join()}`);
          return done;
        },
        status: () =>
          Promise.resolve({
            agents: [],
            calls: [],
            stages: [],
            decisions: { fromCache: 0, byCedar: 0 },
            carried: [],
            wrapped: {},
            policyWarnings: [],
            paused: false,
            auditFile: JSON.stringify(seen),
            socket: { serving: true, taken: 0 },
          }),
        references: () => Promise.resolve({ subject: null, references: [] }),
        'reference-open': () => Promise.resolve({ columns: [], rows: 0 }),
        'reference-page': () => Promise.resolve({ rows: [] }),
      },
      streams: {},
      onClose,
    },
  });
} else if (kind === 'vault') {
  channelOverFd<typeof shellVault, 'b'>({
    fd,
    contract: shellVault,
    side: 'b',
    handlers: {
      notices: {},
      requests: {
        ...base,
        'sign-in': () => {
          replace?.();
          return new Promise((_, reject) => {
            replace = () => reject(new Fault('not_signed_in', 'A newer sign-in replaced this one.'));
          });
        },
        'cancel-sign-in': () => done,
        'sign-out': () => done,
        'proxy-key': () => Promise.resolve({ publicKey: '' }),
        'proxy-password': () => done,
        status: () =>
          Promise.resolve({
            principal: null,
            validUntil: null,
            waiting: [],
            exchanges: [],
            ended: null,
            eventsFailing: null,
            proxyPassword: false,
          }),
      },
      streams: {},
      onClose,
    },
  });
} else {
  channelOverFd<typeof shellEgress, 'b'>({
    fd,
    contract: shellEgress,
    side: 'b',
    handlers: {
      notices: {},
      requests: { ...base, status: () => Promise.resolve({ openConnections: 0, credentialUntil: null }) },
      streams: {},
      onClose,
    },
  });
}

if (kind !== 'egress') {
  receiveHandOvers(({ channel, connector }, socket) => {
    seen.push(`${channel} ${connector}`);
    socket.on('error', () => undefined).resume();
  });
}
