/** An attack that takes more than one message: as data, with what it does. `sequences.test.ts` gives it a gateway. */
import { vi } from 'vitest';
import type { ApprovalAnswer } from '../../../main/contract/approval.ts';
import type { CallHeader } from '../../../main/contract/channels.ts';
import { startGateway, type GatewayStand, type StandOptions } from '../../process/stand/gateway-stand.ts';
import { connectLines, type Answer, type LineClient } from '../../process/stand/line-client.ts';
import type { Attack } from './case.ts';
import { codeOf, manifest, policies, value } from './scene.ts';

export const waitTimeoutMs = 20_000;

export interface Scene {
  readonly stand: GatewayStand;
  /** What reached the connector. */
  readonly ran: CallHeader[];
  /** A program of this name, connected. */
  program(name: string): Promise<LineClient>;
  /** The person answers the newest question about this text. */
  say(text: string, answer: ApprovalAnswer): Promise<void>;
  /** How many questions about this text were shown. */
  shown(text: string): number;
  /** Ends every connection that a case opened. */
  hangUp(): void;
  close(): Promise<void>;
}

export interface Sequence extends Attack {
  /** The last thing that it tries; the answer, or the code. */
  readonly run: (scene: Scene) => Promise<unknown>;
}

export async function openScene(options: StandOptions = {}): Promise<Scene> {
  const questions: { text: string; answer: (answer: ApprovalAnswer) => void }[] = [];
  const stand = await startGateway({
    manifest,
    policies,
    approve: ({ shown }) => new Promise((answer) => questions.push({ text: shown, answer })),
    ...options,
  });
  const clients: LineClient[] = [];
  const ran: CallHeader[] = [];
  stand.behaviour.onCall = (header, stream) => {
    ran.push(header);
    return value({ text: 'done' })(header, stream);
  };
  const hangUp = (): void => {
    for (const client of clients.splice(0)) client.socket.destroy();
  };
  return {
    stand,
    ran,
    hangUp,
    async program(name) {
      const client = await connectLines(stand.socketPath);
      clients.push(client);
      const clientInfo = { name, version: '1' };
      await client.ask('initialize', { protocolVersion: '2025-11-25', capabilities: {}, clientInfo });
      client.send({ jsonrpc: '2.0', method: 'notifications/initialized' });
      return client;
    },
    async say(text, answer) {
      const found = await vi.waitUntil(() => questions.findLast((each) => each.text.includes(text)), {
        timeout: waitTimeoutMs,
      });
      questions.splice(questions.indexOf(found), 1);
      found.answer(answer);
    },
    shown: (text) => stand.approvals.filter(({ shown }) => shown.includes(text)).length,
    async close() {
      hangUp();
      await stand.stop();
    },
  };
}

export const call = (client: LineClient, name: string, text: string): Promise<Answer> =>
  client.ask('tools/call', { name: `probe_${name}`, arguments: { text } });

/** Until it is so: what one channel says and another does not wait for. */
export async function until(code: string, ask: () => Promise<Answer>): Promise<unknown> {
  await vi.waitUntil(async () => codeOf(await ask()) === code, { timeout: waitTimeoutMs });
  return code;
}
