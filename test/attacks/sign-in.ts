import { askControl } from '../../main/cli/control-client.ts';
import { controlSocketBeside } from '../../main/cli/paths.ts';
import type { RunningLab } from '../lab/start-lab.ts';
import type { Product } from '../process/harness.ts';

/** Another person signs in at a product that runs on this lab. */
export async function signInAs(user: string, { product, lab }: { product: Product; lab: RunningLab }): Promise<void> {
  await askControl({
    controlSocket: controlSocketBeside(product.socket),
    method: 'sign-in',
    params: { open: false, forceLogin: true },
    onEvent: ({ url }) => {
      if (typeof url === 'string') void lab.signInDriver(url, user);
    },
  });
}
