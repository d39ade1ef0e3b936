/** For what runs as root: the user that set-up made, whom the product runs as, and root's copy of the checkout for that user. */
import type { Ground, Product } from './harness.ts';

export type MadeGround = Ground & Required<Pick<Ground, 'as'>> & { readonly env: Readonly<Record<string, string>> };

export async function findMadeGround(): Promise<MadeGround> {
  const setUp = (await import(new URL('../../build/set-up.mjs', import.meta.url).href)) as {
    findGround(): MadeGround | undefined;
  };
  const ground = setUp.findGround();
  if (!ground?.as) throw new Error('this runs as root, after set-up made a user: npm test');
  return ground;
}

/** An agent is a program of the same user: the socket serves nobody else, root neither. */
export function withAgentsOf({ as }: Ground, product: Product): Product {
  if (!as) return product;
  const bridgeCommand: Product['bridgeCommand'] = (...args) => {
    const { command, args: own, env } = product.bridgeCommand(...args);
    const user = [`--reuid=${as.uid}`, `--regid=${as.gid}`, '--clear-groups'];
    return { command: 'setpriv', args: [...user, command, ...own], env };
  };
  return { ...product, bridgeCommand };
}
