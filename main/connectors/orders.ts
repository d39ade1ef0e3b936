/** What the person ordered for agents. Every new gateway is told again, so a restart changes none of it. */
import type { ConsentAnswers } from './consent.ts';
import type { Core } from './core.ts';

export interface Orders {
  readonly paused: boolean;
  /** Kept also when `core` throws: the next gateway hears it. */
  pause(core: () => Core, paused: boolean): Promise<void>;
  consent(core: () => Core, answers: ConsentAnswers): Promise<void>;
  /** To a gateway that knows nothing yet. */
  repeat(core: Core): Promise<void>;
}

export function createOrders(): Orders {
  let paused = false;
  let answers: ConsentAnswers = { allowed: [], denied: [] };

  async function tellConsent({ gateway }: Core): Promise<void> {
    await gateway.control.request('consent', { allowed: [...answers.allowed], denied: [...answers.denied] });
  }
  async function tellPause({ gateway }: Core): Promise<void> {
    await gateway.control.request('pause', { paused });
  }

  return {
    get paused() {
      return paused;
    },
    async pause(core, next) {
      paused = next;
      await tellPause(core());
    },
    async consent(core, next) {
      answers = next;
      await tellConsent(core());
    },
    async repeat(core) {
      await tellConsent(core);
      if (paused) await tellPause(core);
    },
  };
}
